//go:build linux

package fdpass_test

import (
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// message sends a message with n descriptors and receives it.
func message(t *testing.T, n int, opts fdpass.Options) *fdpass.Message {
	t.Helper()
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r := fdtest.Receiver(t, fdpass.Socket(b), opts)
	fdtest.MustSend(t, a, "hello", fdtest.FDs(t, n)...)
	m, err := r.Recv(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhoOwnsTheDescriptorsOfAMessage(t *testing.T) {
	fdtest.NoLeak(t)
	m := message(t, 3, fdpass.Options{MaxFDs: 3})
	borrowed := m.FDs()
	fdtest.IDs(t, borrowed...) // open
	taken := m.TakeFDs()
	if len(borrowed) != 3 || len(taken) != 3 || len(m.FDs()) != 0 {
		t.Fatalf("borrowed %v, taken %v, left %v", borrowed, taken, m.FDs())
	}
	if again := m.TakeFDs(); len(again) != 0 || m.TakeFiles() != nil {
		t.Errorf("taken twice: %v", again)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	fdtest.IDs(t, taken...) // still open
	fdtest.Close(t, taken...)
}

func TestDoesTakeOneTakeExactlyOne(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 2})
	defer r.Close()
	for _, n := range []int{0, 2, 1} {
		if _, err := fdpass.SendMsgFDs(a, []byte("x"), fdtest.FDs(t, n)...); err != nil {
			t.Fatal(err)
		}
		m, err := r.Recv(make([]byte, 1))
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			f, err := m.TakeFile("its name")
			if err != nil || f.Name() != "its name" {
				t.Fatal(err)
			}
			f.Close()
		}
		if fd, err := m.TakeFD(); fd != -1 || !errors.Is(err, fdpass.ErrCount) {
			t.Errorf("of %d: %d, %v", n, fd, err)
		}
		if f, err := m.TakeFile("x"); f != nil || !errors.Is(err, fdpass.ErrCount) {
			t.Errorf("of %d: %v, %v", n, f, err)
		}
		if n != 1 && len(m.FDs()) != n {
			t.Errorf("the message keeps %d of %d", len(m.FDs()), n)
		}
	}
}

func TestDoTakenFilesHaveTheirContents(t *testing.T) {
	fdtest.NoLeak(t)
	m := message(t, 3, fdpass.Options{MaxFDs: 3})
	for i, f := range m.TakeFiles() {
		if data, err := io.ReadAll(f); err != nil || string(data) != fdtest.Contents(i) {
			t.Errorf("file %d: %q, %v", i, data, err)
		}
		f.Close()
	}
	if len(m.FDs()) != 0 {
		t.Errorf("left %v", m.FDs())
	}
}

func TestAreDescriptorsAppended(t *testing.T) {
	fdtest.NoLeak(t)
	m := message(t, 2, fdpass.Options{MaxFDs: 2})
	got := m.TakeFDsInto([]int{-1})
	if len(got) != 3 || got[0] != -1 || len(m.FDs()) != 0 {
		t.Fatalf("got %v, left %v", got, m.FDs())
	}
	fdtest.Close(t, got[1:]...)
}

func TestDoesTheNextReceiveCloseWhatWasNotTaken(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 3})
	fds := fdtest.FDs(t, 3)
	p := make([]byte, 1)
	before := fdtest.Count(t)
	for range 5 {
		fdtest.MustSend(t, a, "x", fds...)
		if m, err := r.Recv(p); err != nil || len(m.FDs()) != 3 {
			t.Fatal(err)
		}
		if n := fdtest.Count(t); n != before+3 {
			t.Fatalf("%d descriptors more than before", n-before)
		}
	}
	fdtest.Close(t, a)
	if _, err := r.Recv(p); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if n := fdtest.Count(t); n != before-1 {
		t.Errorf("%d descriptors more than before", n-before)
	}
}

func TestIsAForeignCloseReported(t *testing.T) {
	fdtest.NoLeak(t)
	m := message(t, 2, fdpass.Options{MaxFDs: 2})
	fdtest.Close(t, m.FDs()[0])
	if err := m.Close(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("got %v, want EBADF", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestWhoOwnsThePidfd(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	m := message(t, 1, fdpass.Options{MaxFDs: 1, PIDFD: true})
	borrowed, err := m.PIDFD()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := m.TakePIDFD()
	if err != nil || fd != borrowed {
		t.Errorf("borrowed %d, took %d, %v", borrowed, fd, err)
	}
	if fd, err := m.TakePIDFD(); fd != -1 || err != fdpass.ErrNoPIDFD {
		t.Errorf("taken twice: %d, %v", fd, err)
	}
	m.Close()
	fdtest.Close(t, fd)                                // which was still open
	message(t, 0, fdpass.Options{PIDFD: true}).Close() // closes one that nobody took
}

func TestIsAPidfdThatCouldNotBeMadeAnErrno(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.PIDFDPair(t)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1, PIDFD: true})
	p := make([]byte, 1)
	fdtest.MustSend(t, a, "x")
	restore := fdtest.LimitTable(t, 0)
	m, err := r.Recv(p)
	restore()
	if err != nil {
		t.Fatal(err)
	}
	if fd, err := m.PIDFD(); fd != -1 || err != syscall.EMFILE {
		t.Errorf("with a full table: %d, %v", fd, err)
	}
	// The next message has a pidfd of its own.
	fdtest.MustSend(t, a, "x")
	if m, err = r.Recv(p); err != nil {
		t.Fatal(err)
	}
	values[2].check(t, m)
	m.Close()
}

func TestDoesTheEndOfAStreamLeakThePidfd(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.PIDFDPair(t)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1, PIDFD: true, Credentials: true})
	fdtest.MustSend(t, a, "x")
	fdtest.Close(t, a)
	p := make([]byte, 16)
	if m, err := r.Recv(p); err != nil || string(m.Payload()) != "x" {
		t.Fatal(err)
	}
	before := fdtest.Count(t)
	for range 3 {
		if _, err := r.Recv(p); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
	if n := fdtest.Count(t); n > before {
		t.Errorf("%d descriptors more than before", n-before)
	}
}

func TestWhatDoesAnIterationOverFilesLeave(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 5})
	if err := fdpass.Send(a, fdtest.Files(t, 5)...); err != nil {
		t.Fatal(err)
	}
	m := must(r.Recv(make([]byte, 1)))(t)
	var names []string
	for f := range m.TakeEachFile("first") {
		names = append(names, f.Name())
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if len(names) == 2 {
			break
		}
	}
	if want := []string{"first", "fdpass"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if len(m.FDs()) != 3 {
		t.Errorf("%d descriptors are left, want 3", len(m.FDs()))
	}
	for f := range m.TakeEachFile() {
		f.Close()
	}
	for range m.TakeEachFile() {
		t.Error("a file came twice")
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
