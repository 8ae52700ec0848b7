package main

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// relays starts fdpass relay between a socket of its own and one that the test
// listens on.
func relays(t *testing.T) (front, back string, server *listener, p *process) {
	t.Helper()
	front, back = socketPath(t), socketPath(t)
	server, err := listen(back, "unix", private, makePrivate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	if err := server.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return front, back, server, startFdpass(t, "relay", front, back)
}

// stop ends a relay by a signal, as a shell does.
func (p *process) stop() {
	p.t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if code := p.end(); code != -1 {
		p.t.Errorf("status %d after a signal", code)
	}
	if s := p.err.String(); s != "" {
		p.t.Errorf("it said %q", s)
	}
}

func TestDoesTheRelayPassConnectionsOn(t *testing.T) {
	fdtest.NoLeak(t)
	front, _, server, p := relays(t)
	files := fdtest.Files(t, 2)
	for range 2 { // one connection after the other
		client := dial(t, front)
		if _, err := fdpass.SendMsg(client, []byte("question"), files...); err != nil {
			t.Fatal(err)
		}
		conn, err := server.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		b := make([]byte, 100)
		n, got, err := fdpass.RecvExactly(conn, b, 2)
		if err != nil || string(b[:n]) != "question" {
			t.Fatalf("got %q, %v", b[:n], err)
		}
		text, err := io.ReadAll(got[1])
		closeAll(got)
		if err != nil || string(text) != fdtest.Contents(1) {
			t.Errorf("the second file has %q, %v", text, err)
		}
		if _, err := files[1].Seek(0, io.SeekStart); err != nil { // the offset is shared
			t.Fatal(err)
		}
		if _, err := fdpass.SendMsg(conn, []byte("answer"), files[0]); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		n, got, err = fdpass.RecvExactly(client, b, 1)
		if err != nil || string(b[:n]) != "answer" {
			t.Fatalf("got %q, %v", b[:n], err)
		}
		closeAll(got)
		if n, err := client.Read(b); n != 0 || err != io.EOF {
			t.Errorf("read %d after the end, %v", n, err)
		}
		client.Close()
	}
	p.stop()
	isGone(t, front)
}

// The server learns who the client is, and not only who the relay is.
func TestDoesTheRelayCarryTheCredentialsOfTheClient(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorThread)
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	if os.Getuid() != 0 {
		t.Skip("only root may send the credentials of another process: run it as root")
	}
	fdtest.NoLeak(t)
	front, _, server, p := relays(t)
	if err := (fdpass.Options{Credentials: true}).Apply(server.UnixListener); err != nil {
		t.Fatal(err)
	}
	client := dial(t, front)
	if _, err := client.Write([]byte("it is me")); err != nil {
		t.Fatal(err)
	}
	conn, err := server.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m, err := fdtest.Receiver(t, conn, fdpass.Options{Credentials: true}).Recv(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	if cred, ok := m.Credentials(); !ok || int(cred.PID) != os.Getpid() {
		t.Errorf("the server sees %+v, %v; the client is process %d and the relay %d",
			cred, ok, os.Getpid(), p.Process.Pid)
	}
	conn.Close()
	client.Close()
	p.stop()
}

// Somebody may connect as soon as the socket has a name, and a connection has what the
// listener has at that moment.
func TestDoesTheFirstMessageToTheRelayHaveItsCredentials(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorThread)
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	path := socketPath(t)
	l, closeListener, err := address{path, -1}.listener()
	if err != nil {
		t.Fatal(err)
	}
	defer closeListener()
	client := dial(t, path)
	if err := l.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := client.Write([]byte("it is me")); err != nil {
		t.Fatal(err)
	}
	m, err := fdtest.Receiver(t, conn, fdpass.Options{Credentials: true}).Recv(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	if cred, ok := m.Credentials(); !ok || int(cred.PID) != os.Getpid() {
		t.Errorf("it came from %+v, %v", cred, ok)
	}
}

func TestDoesTheRelayOutliveAConnectionThatFails(t *testing.T) {
	fdtest.NoLeak(t)
	front, _, server, p := relays(t)
	server.Close()
	if n, err := dial(t, front).Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("nobody listens at the other side of the relay: %d, %v", n, err)
	}
	if n, err := dial(t, front).Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the second time: %d, %v", n, err)
	}
	p.Process.Signal(syscall.SIGTERM)
	p.end()
	if s := p.err.String(); strings.Count(s, "fdpass: dial") != 2 {
		t.Errorf("it said %q", s)
	}
}

// listenSeqpacket listens on a new seqpacket socket.
func listenSeqpacket(t *testing.T) (fd int, path string) {
	t.Helper()
	fd, path = fdtest.Socket(t, syscall.AF_UNIX, syscall.SOCK_SEQPACKET), socketPath(t)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	return fd, path
}

// A listening socket may be inherited, and need not be a stream.
func TestDoesTheRelayTakeAnInheritedListener(t *testing.T) {
	fdtest.NoLeak(t)
	inherited, front := listenSeqpacket(t)
	needsAcceptConn(t, fdpass.Socket(inherited))
	server, back := listenSeqpacket(t)
	f, err := duplicate(inherited, "listener")
	if err != nil {
		t.Fatal(err)
	}
	p := fdpassCommand(t, "relay", "fd:3", back)
	p.ExtraFiles = []*os.File{f}
	p.begin()
	f.Close()
	client := dial(t, front)
	if err := fdpass.Send(client, fdtest.Files(t, 1)...); err != nil {
		t.Fatal(err)
	}
	conn := fdtest.Accept(t, server)
	fds, err := fdpass.RecvFDs(conn, 1)
	if err != nil || len(fds) != 1 {
		t.Fatalf("got %v, %v", fds, err)
	}
	fdtest.Close(t, fds...)
	client.Close()
	p.stop()
}
