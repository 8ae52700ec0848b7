//go:build linux

package fdpass_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// streamWith makes a Stream with options, and a Sender that sends to it.
func streamWith(t *testing.T, opts fdpass.StreamOptions) (s *fdpass.Stream, to *fdpass.Sender) {
	t.Helper()
	a, b := fdtest.Conns(t, "unix")
	s, err := fdpass.NewStream(b, opts)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if to, err = fdpass.NewSender(a); err != nil {
		t.Fatal(err)
	}
	return s, to
}

// read reads from a stream, and checks that it reads exactly what is expected.
func read(t *testing.T, s *fdpass.Stream, want string) {
	t.Helper()
	p := make([]byte, len(want))
	if _, err := io.ReadFull(s, p); err != nil || string(p) != want {
		t.Fatalf("read %q, %v, want %q", p, err, want)
	}
}

func TestWhoSentWhichBytesOfAStream(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	if os.Getuid() != 0 {
		t.Skip("only root may send the credentials of another process: run it as root")
	}
	fdtest.NoLeak(t)
	s, to := streamWith(t, fdpass.StreamOptions{MaxFDs: 1, Credentials: true})
	pid := int32(os.Getpid())
	if cred, ok := s.Credentials(0); ok {
		t.Errorf("before the first byte: %+v", cred)
	}
	for _, uid := range []uint32{1, 2, 2} {
		out := fdpass.Outgoing{Payload: []byte("abc"), Credentials: &fdpass.Credentials{PID: pid, UID: uid}}
		if _, err := to.SendMessage(&out); err != nil {
			t.Fatal(err)
		}
	}
	read(t, s, "abcabcabc") // read ahead, as through a bufio.Reader
	for _, c := range []struct {
		consumed int64
		uid      uint32
	}{{1, 1}, {3, 1}, {4, 2}, {9, 2}} {
		want := fdpass.Credentials{PID: pid, UID: c.uid}
		if cred, ok := s.Credentials(c.consumed); !ok || fdtest.Process(cred) != want {
			t.Errorf("the first %d bytes: %+v, %v, want UID %d", c.consumed, cred, ok, c.uid)
		}
	}
	if cred, ok := s.Credentials(10); ok {
		t.Errorf("a byte that has not been read: %+v", cred)
	}
}

func TestWhoOwnsThePidfdOfAStream(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	s, to := streamWith(t, fdpass.StreamOptions{MaxFDs: 1, PIDFD: true})
	for range 3 { // the first two are closed by the next Read, the third by Close
		if _, err := to.Send([]byte("x")); err != nil {
			t.Fatal(err)
		}
		read(t, s, "x")
	}
	fd, err := s.TakePIDFD()
	if err != nil {
		t.Fatal(err)
	}
	if pid := fdtest.PIDOf(t, fd); pid != os.Getpid() {
		t.Errorf("it is of %d", pid)
	}
	fdtest.Close(t, fd)
	if fd, err := s.TakePIDFD(); fd != -1 || !errors.Is(err, fdpass.ErrNoPIDFD) {
		t.Errorf("the second time: %d, %v", fd, err)
	}
	if _, err := to.Send([]byte("x")); err != nil {
		t.Fatal(err)
	}
	read(t, s, "x")
}

func TestDoesAStreamCloseWhatNobodyTakes(t *testing.T) {
	fdtest.NoLeak(t)
	s, to := streamWith(t, fdpass.StreamOptions{MaxFDs: 9})
	fds := fdtest.FDs(t, 3)
	for _, some := range [][]int{fds[:2], fds[2:]} {
		if _, err := to.Send([]byte("x"), some...); err != nil {
			t.Fatal(err)
		}
	}
	read(t, s, "xx")
	before := fdtest.Count(t)
	if err := s.DiscardFDs(1); err != nil {
		t.Error(err)
	}
	if n := before - fdtest.Count(t); n != 2 {
		t.Errorf("%d descriptors were closed, and 2 belong to the first byte", n)
	}
	got, err := s.TakeNextFDs(1)
	if err != nil || !slices.Equal(fdtest.IDs(t, got...), fdtest.IDs(t, fds[2])) {
		t.Errorf("the next is %v, %v", got, err)
	}
	fdtest.Close(t, got...)
}

func TestDoesAContextEndTheWaitsOfAStream(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	s, err := fdpass.NewStream(b, fdpass.StreamOptions{MaxFDs: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(fdtest.Context(t), 10*time.Millisecond)
	defer cancel()
	if n, err := s.ReadContext(ctx, make([]byte, 9)); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("reading: %d, %v", n, err)
	}
	ctx, cancel = context.WithTimeout(fdtest.Context(t), 10*time.Millisecond)
	defer cancel()
	huge := &fdpass.Outgoing{Payload: make([]byte, 8<<20), FDs: fdtest.FDs(t, 1)}
	n, err := s.SendMessageContext(ctx, huge)
	if n == len(huge.Payload) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("sending: %d, %v", n, err)
	}
	// The Stream works after both.
	if _, err := fdpass.SendMsgFDs(a, []byte("x"), fdtest.FDs(t, 1)...); err != nil {
		t.Fatal(err)
	}
	read(t, s, "x")
	files, err := s.TakeNextFiles(1, "a name")
	if err != nil || files[0].Name() != "a name" {
		t.Fatal(files, err)
	}
	files[0].Close()
	s.Close()
	if _, err := s.ReadContext(fdtest.Context(t), make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading from a closed stream: %v", err)
	}
	if _, err := s.SendMessageContext(fdtest.Context(t), huge); !errors.Is(err, net.ErrClosed) {
		t.Errorf("sending on a closed stream: %v", err)
	}
}

// Numbers and files go together, and a payload in several pieces.
func TestDoesAnOutgoingOfAStreamBringEverything(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	s, err := fdpass.NewStream(a, fdpass.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	files := fdtest.Files(t, 3)
	fd := fdtest.FDs(t, 1)[0]
	out := &fdpass.Outgoing{Payload: []byte("one "), More: [][]byte{nil, []byte("two "), []byte("three")},
		FDs: []int{fd}, Files: files}
	if n, err := s.SendMessage(out); n != 13 || err != nil {
		t.Fatal(n, err)
	}
	p := make([]byte, 100)
	n, got, err := fdpass.RecvExactly(b, p, 4)
	if err != nil || string(p[:n]) != "one two three" {
		t.Fatalf("%q, %v", p[:n], err)
	}
	for i, want := range append([]syscall.Conn{}, files[0], files[1], files[2]) {
		var same fdtest.ID
		raw, err := want.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { same = fdtest.IDs(t, int(fd))[0] })
		if id := fdtest.IDs(t, int(got[i+1].Fd()))[0]; id != same {
			t.Errorf("file %d is %v, want %v", i, id, same)
		}
	}
	if fdtest.IDs(t, int(got[0].Fd()))[0] != fdtest.IDs(t, fd)[0] {
		t.Error("the number does not come first")
	}
	closed(got)
}
