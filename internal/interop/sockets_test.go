//go:build linux

package interop

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// ends returns a connected pair of Unix sockets ("unix", "unixgram", "unixpacket")
// to start programs with.
func ends(t *testing.T, network string) []*os.File {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, fdtest.Types[network]|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	files := []*os.File{os.NewFile(uintptr(fds[0]), "socketpair"), os.NewFile(uintptr(fds[1]), "socketpair")}
	t.Cleanup(func() { closeAll(files) })
	return files
}

// pair returns such a pair, of which one end is for this process and has a deadline.
func pair(t *testing.T, network string) (ours *net.UnixConn, theirs *os.File) {
	t.Helper()
	files := ends(t, network)
	defer files[0].Close()
	conn, err := net.FileConn(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return bounded(t, conn).(*net.UnixConn), files[1]
}

// bounded gives a connection a deadline and closes it at the end of t.
func bounded(t *testing.T, conn net.Conn) net.Conn {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// dial connects to the Unix stream socket at path, as soon as p listens there.
func (p *peer) dial(t *testing.T, path string) (conn *net.UnixConn) {
	t.Helper()
	p.until(t, func() (err error) {
		conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	return bounded(t, conn).(*net.UnixConn)
}

// listen returns a TCP listener on a free port of the loopback interface.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	tcp := ln.(*net.TCPListener)
	if err := tcp.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return tcp
}

// listenUnix returns a Unix stream listener in a directory of its own.
func listenUnix(t *testing.T) *net.UnixListener {
	t.Helper()
	ln, err := net.Listen("unix", filepath.Join(fdtest.SocketDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	unix := ln.(*net.UnixListener)
	if err := unix.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return unix
}

// pipe returns a pipe, of which this process reads until the deadline.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// echo sends text through one end of a connection and reads it at the other.
func echo(t *testing.T, from io.Writer, to io.Reader, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Fatalf("sent %q, got %q, %v", text, got, err)
	}
}

// number returns the descriptor of a file or socket, which stays in Go's poller and
// must stay open.
func number(t *testing.T, f syscall.Conn) (n int) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n = int(fd) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// id says which file or socket f is open on.
func id(t *testing.T, f syscall.Conn) fdtest.ID {
	t.Helper()
	return fdtest.IDs(t, number(t, f))[0]
}

// hostPort returns where a listener listens.
func hostPort(ln net.Listener) (host, port string) {
	host, port, _ = net.SplitHostPort(ln.Addr().String())
	return host, port
}

// connection returns a received descriptor as the connection that it has to be.
func connection(t *testing.T, f *os.File) net.Conn {
	t.Helper()
	conn, err := net.FileConn(f)
	if err != nil {
		t.Fatalf("%s is not a connection: %v", f.Name(), err)
	}
	return bounded(t, conn)
}

// checkFile checks that got is open on the same file as sent, number i of
// [fdtest.FDs], and that this can be read.
func checkFile(t *testing.T, got, sent, i int) {
	t.Helper()
	if got, sent := fdtest.IDs(t, got)[0], fdtest.IDs(t, sent)[0]; got != sent {
		t.Errorf("file %d is %v, not %v", i, got, sent)
	}
	p := make([]byte, 100)
	n, err := syscall.Pread(got, p, 0)
	if err != nil || string(p[:n]) != fdtest.Contents(i) {
		t.Errorf("file %d reads %q, %v", i, p[:max(n, 0)], err)
	}
}
