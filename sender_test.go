//go:build linux

package fdpass_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// sender makes a Sender on conn.
func sender(t *testing.T, conn syscall.Conn) *fdpass.Sender {
	t.Helper()
	s, err := fdpass.NewSender(conn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ownCredentials returns those of this process.
func ownCredentials() fdpass.Credentials {
	return fdpass.Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
}

func TestDoDescriptorsAndCredentialsGoTogether(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 3, Credentials: true})
			s := sender(t, a)
			fds := fdtest.FDs(t, 3)
			cred := ownCredentials()
			for range 3 { // the Sender is used again
				n, err := s.SendMessage(&fdpass.Outgoing{
					Payload: []byte("hello"), FDs: fds, Credentials: &cred,
				})
				if n != 5 || err != nil {
					t.Fatal(n, err)
				}
				m, err := r.Recv(make([]byte, 16))
				if err != nil || string(m.Payload()) != "hello" {
					t.Fatal(err)
				}
				if want, got := fdtest.IDs(t, fds...), fdtest.IDs(t, m.FDs()...); !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				if got, ok := m.Credentials(); !ok || fdtest.Process(got) != cred {
					t.Errorf("got %v, %v", got, ok)
				}
				m.Close()
			}
			if typ == syscall.SOCK_STREAM {
				return
			}
			// An empty message is a message, too.
			fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
			if n, err := s.Send(nil, fds...); n != 0 || err != nil {
				t.Fatal(n, err)
			}
			m, err := r.Recv(make([]byte, 16))
			if err != nil || len(m.Payload()) != 0 || len(m.FDs()) != 3 {
				t.Fatal(err)
			}
			m.Close()
		})
	}
}

func TestMayRootSendTheCredentialsOfAnother(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.NeedsForeignPIDs(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{Credentials: true})
	want := fdpass.Credentials{PID: int32(os.Getppid()), UID: 12345, GID: 23456}
	if want.PID == 0 {
		want.PID = int32(os.Getpid())
	}
	_, err := sender(t, fdpass.Socket(a)).SendMessage(&fdpass.Outgoing{
		Payload: []byte("x"), Credentials: &want,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Recv(make([]byte, 1))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := m.Credentials(); !ok || fdtest.Process(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAreCredentialsWithoutPayloadLost(t *testing.T) {
	fdtest.NeedsLinux(t, "sending credentials")
	fdtest.NoLeak(t)
	a, _ := fdtest.Pair(t, syscall.SOCK_STREAM)
	cred := ownCredentials()
	_, err := sender(t, fdpass.Socket(a)).SendMessage(&fdpass.Outgoing{Credentials: &cred})
	if err != fdpass.ErrNoPayload { // on a stream, the kernel would drop them
		t.Errorf("got %v", err)
	}
}

func TestWhomDoesAnAddressReach(t *testing.T) {
	fdtest.NoLeak(t)
	dir := fdtest.SocketDir(t)
	a := bound(t, filepath.Join(dir, "a"))
	s := sender(t, a)
	for _, name := range []string{"b", "c"} {
		to := bound(t, filepath.Join(dir, name))
		to.SetDeadline(fdtest.Soon())
		out := &fdpass.Outgoing{
			Payload: []byte(name), FDs: fdtest.FDs(t, 2), To: to.LocalAddr().(*net.UnixAddr),
		}
		if n, err := s.SendMessage(out); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		p := make([]byte, 16)
		n, files, err := fdpass.RecvMsg(to, p, 2)
		if err != nil || string(p[:n]) != name || len(files) != 2 {
			t.Fatalf("got %q, %v, %v", p[:n], files, err)
		}
		files[0].Close()
		files[1].Close()
	}
	if _, err := s.Send([]byte("x")); !errors.Is(err, syscall.ENOTCONN) {
		t.Errorf("without an address: %v, want ENOTCONN", err)
	}
}

// drain reads a stream to its end, and counts bytes and descriptors. Before it
// begins, the sender has time to fill the queue.
func drain(t *testing.T, b syscall.Conn, max int) (data []byte, fds int) {
	t.Helper()
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: max})
	p := make([]byte, 1<<15)
	for {
		m, err := r.Recv(p)
		if err != nil {
			if err != io.EOF {
				t.Error(err)
			}
			return data, fds
		}
		data = append(data, m.Payload()...)
		fds += len(m.FDs())
		m.Close()
	}
}

func TestAreDescriptorsSentTwiceWithAShortWrite(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	a.SetWriteBuffer(1 << 12)
	s := sender(t, a)
	fds := fdtest.FDs(t, 3)
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	done := make(chan error)
	go func() {
		n, err := s.Send(long, fds...)
		if err == nil && n != len(long) {
			err = io.ErrShortWrite
		}
		a.CloseWrite()
		done <- err
	}()
	data, n := drain(t, b, 3)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n != 3 || !bytes.Equal(data, long) {
		t.Errorf("got %d descriptors and %d bytes, and they are those: %v",
			n, len(data), bytes.Equal(data, long))
	}
}

func TestHowMuchWentWhenTheDeadlineWasOver(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	s := sender(t, a)
	if err := s.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 1<<22)
	n, err := s.Send(long, fdtest.FDs(t, 3)...)
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == len(long) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	a.Close()
	want := 3
	if n == 0 { // it was over before the first
		want = 0
	}
	if data, fds := drain(t, b, 3); len(data) != n || fds != want {
		t.Errorf("%d bytes went and %d came, with %d descriptors", n, len(data), fds)
	}
}

func TestDoTheMessagesOfTwoSendersMix(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	a.SetWriteBuffer(1 << 12)
	const size, rounds = 100000, 5
	fds := fdtest.FDs(t, 1)
	done := make(chan error)
	for _, letter := range []byte("ab") {
		s, p := sender(t, a), bytes.Repeat([]byte{letter}, size)
		go func() {
			var err error
			for range rounds {
				_, serr := s.Send(p, fds...)
				err = errors.Join(err, serr)
			}
			done <- err
		}()
	}
	go func() {
		done <- errors.Join(<-done, <-done, a.CloseWrite())
	}()
	data, n := drain(t, b, 1)
	if err := <-done; err != nil || len(data) != 2*rounds*size || n != 2*rounds {
		t.Fatalf("%d bytes with %d descriptors, %v", len(data), n, err)
	}
	for i := range data {
		if data[i] != data[i/size*size] {
			t.Fatalf("byte %d is in the middle of another message", i)
		}
	}
}

func TestDoesTheRestOfAShortWriteHaveTheSameCredentials(t *testing.T) {
	fdtest.NeedsLinux(t, "sending credentials")
	if os.Geteuid() != 0 {
		t.Skip("needs root, since only root may send the credentials of another user")
	}
	const size = 1 << 20 // several times what a socket takes at once
	nobody := fdpass.Credentials{PID: int32(os.Getpid()), UID: 65534, GID: 65534}
	out := fdpass.Outgoing{Payload: make([]byte, size), Credentials: &nobody}
	senders := map[string]func(conn syscall.Conn) error{
		"Sender": func(conn syscall.Conn) error {
			s, err := fdpass.NewSender(conn)
			if err == nil {
				_, err = s.SendMessage(&out)
			}
			return err
		},
		"BatchSender": func(conn syscall.Conn) error {
			s, err := fdpass.NewBatchSender(conn)
			if err == nil {
				_, _, err = s.Send([]fdpass.Outgoing{out})
			}
			return err
		},
	}
	for name, send := range senders {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, "unix")
			r, err := fdpass.NewReceiver(b, fdpass.Options{Credentials: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			sent := make(chan error, 1)
			go func() { sent <- send(a) }()
			p := make([]byte, 1<<16)
			for n := 0; n < size; {
				m, err := r.Recv(p)
				if err != nil {
					t.Fatal(err)
				}
				if cred, ok := m.Credentials(); !ok || fdtest.Process(cred) != nobody {
					t.Fatalf("after byte %d: %v, %v", n, cred, ok)
				}
				n += len(m.Payload())
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

// After a short write, a payload in several pieces continues in the middle of one of
// them. The descriptors are sent only with its beginning.
func TestDoesAShortWriteGoOnInTheMiddleOfAPiece(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	out := &fdpass.Outgoing{Payload: []byte("begin"), FDs: fdtest.FDs(t, 1)}
	whole := slices.Clone(out.Payload)
	for i := range 40 {
		piece := bytes.Repeat([]byte{byte(i)}, 50000+i)
		out.More = append(out.More, piece)
		whole = append(whole, piece...)
	}
	s, err := fdpass.NewSender(a)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		n, err := s.SendMessage(out)
		if n != len(whole) {
			err = fmt.Errorf("sent %d of %d, %v", n, len(whole), err)
		}
		sent <- err
	}()
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
	defer r.Close()
	var got []byte
	came := 0
	for p := make([]byte, 70001); len(got) < len(whole); {
		m, err := r.Recv(p)
		if err != nil {
			t.Fatal(err)
		}
		got, came = append(got, m.Payload()...), came+len(m.FDs())
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if !bytes.Equal(got, whole) || came != 1 {
		t.Errorf("%d bytes and %d descriptors arrived", len(got), came)
	}
}
