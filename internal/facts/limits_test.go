//go:build linux

package facts

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// asNobody is a role that gives up being root first.
func asNobody(role func() error) func([]string) error {
	return func([]string) error {
		if os.Getuid() == 0 {
			if err := syscall.Setuid(64321); err != nil {
				return err
			}
		}
		return role()
	}
}

// tooManyInFlight sends descriptors that nobody receives until it may not. The count is
// that of the user, who may have other processes with some under way: then it tries
// again.
func tooManyInFlight() error {
	limit := syscall.Rlimit{Cur: 30, Max: 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	for end := fdtest.Soon(); ; time.Sleep(time.Millisecond) {
		sent, err := sendUntilTooMany()
		if !errors.Is(err, syscall.ETOOMANYREFS) {
			return fmt.Errorf("after %d descriptors, with a limit of 30: %v", sent, err)
		}
		if sent >= 30 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %d descriptors, with a limit of 30: %w", sent, err)
		}
	}
}

// sendUntilTooMany returns how many descriptors were under way when an error came.
func sendUntilTooMany() (sent int, err error) {
	for sent < 1000 {
		// Several sockets: the count is the user's, whatever the socket.
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
		if err != nil {
			return sent, err
		}
		defer fdpass.CloseFDs(fds[:])
		for range 2 {
			if err := fdpass.SendFDs(fds[0], 0, 0, 0, 0, 0, 0, 0); err != nil {
				return sent, err
			}
			sent += 7
		}
	}
	return sent, nil
}

// forgeCredentials sends its own credentials, and others.
func forgeCredentials() error {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	s, err := fdpass.NewSender(fdpass.Socket(fds[0]))
	if err != nil {
		return err
	}
	own := fdpass.Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	if _, err := s.SendMessage(&fdpass.Outgoing{Payload: []byte("x"), Credentials: &own}); err != nil {
		return fmt.Errorf("its own: %w", err)
	}
	for name, change := range map[string]func(*fdpass.Credentials){
		"PID": func(c *fdpass.Credentials) { c.PID = 1 },
		"UID": func(c *fdpass.Credentials) { c.UID++ },
		"GID": func(c *fdpass.Credentials) { c.GID += 54321 },
	} {
		forged := own
		change(&forged)
		_, err := s.SendMessage(&fdpass.Outgoing{Payload: []byte("x"), Credentials: &forged})
		if !errors.Is(err, syscall.EPERM) {
			return fmt.Errorf("a forged %s: %w, want EPERM", name, err)
		}
	}
	return nil
}

func TestHowManyDescriptorsMayBeUnderWay(t *testing.T) {
	fdtest.NoLeak(t)
	if err := fdtest.Command(t, "too many in flight").Run(); err != nil {
		t.Error(err)
	}
}

func TestMayCredentialsBeForged(t *testing.T) {
	fdtest.NoLeak(t)
	if err := fdtest.Command(t, "forge credentials").Run(); err != nil {
		t.Error(err)
	}
}

func TestMayRootNameAProcessThatIsNot(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.NeedsForeignPIDs(t)
	a, _ := fdtest.Pair(t, syscall.SOCK_STREAM)
	s, err := fdpass.NewSender(fdpass.Socket(a))
	if err != nil {
		t.Fatal(err)
	}
	cred := fdpass.Credentials{PID: 1<<31 - 1} // above any pid_max
	_, err = s.SendMessage(&fdpass.Outgoing{Payload: []byte("x"), Credentials: &cred, FDs: fdtest.FDs(t, 1)})
	if !errors.Is(err, syscall.ESRCH) {
		t.Errorf("got %v, want ESRCH", err)
	}
}

func TestIsASocketThatWasSentOverItselfCollected(t *testing.T) {
	fdtest.NoLeak(t)
	// The pipe's end closes only when the kernel lets go of the queue.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b := fds[0], fds[1]
	c, d := fdtest.Pair(t, syscall.SOCK_STREAM) // which have nothing to do with it
	err = errors.Join(
		fdpass.SendFDs(a, b, int(w.Fd())),
		fdpass.SendFDs(b, a),
	)
	w.Close()
	fdtest.Close(t, a, b)
	if err != nil {
		t.Fatal(err)
	}
	// The collector runs when a socket is released, in the background since 6.10.
	// These two are not while each lies in the other's queue, so that on a machine
	// where nobody else has sockets it takes a third.
	fdtest.Close(t, c, d)
	r.SetReadDeadline(fdtest.Soon())
	if n, err := r.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the pipe is still open: %d, %v", n, err)
	}
}

func TestWhichDescriptorsCanBeSent(t *testing.T) {
	fdtest.NoLeak(t)
	const oPath = 0x200000 // O_PATH: include/uapi/asm-generic/fcntl.h, the same on all of Go's architectures
	path, err := syscall.Open(t.TempDir(), oPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fdtest.Close(t, path)
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer fdtest.Close(t, epoll)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	if err := fdpass.SendFDs(a, path, epoll, a, b); err != nil {
		t.Fatal(err)
	}
	got, err := fdpass.RecvFDs(b, 4)
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	defer fdtest.Close(t, got...)
	if want, got := fdtest.IDs(t, path, epoll, a, b), fdtest.IDs(t, got...); !slices.Equal(want, got) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := syscall.Read(got[0], make([]byte, 1)); err != syscall.EBADF {
		t.Errorf("reading from the O_PATH descriptor: %v, want EBADF", err)
	}
	if _, err := syscall.EpollWait(got[1], make([]syscall.EpollEvent, 1), 0); err != nil {
		t.Errorf("waiting on the epoll descriptor: %v", err)
	}
}
