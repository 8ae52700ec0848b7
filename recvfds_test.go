//go:build linux

package fdpass_test

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// tcp makes a connected pair of TCP sockets.
func tcp(t *testing.T) (a, b int) {
	t.Helper()
	listener, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(listener)
	err = errors.Join(syscall.Bind(listener, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
		syscall.Listen(listener, 1))
	if err != nil {
		t.Fatal(err)
	}
	addr := must(syscall.Getsockname(listener))(t)
	a = must(syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0))(t)
	t.Cleanup(func() { syscall.Close(a) })
	if err := syscall.Connect(a, addr); err != nil {
		t.Fatal(err)
	}
	b, _, err = syscall.Accept4(listener, syscall.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(b) })
	return a, b
}

// RecvFDs tries to receive before it asks what the socket is.
func TestWhatDoesRecvFDsSayOfATCPSocket(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := tcp(t)
	if _, err := fdpass.RecvFDs(b, 1); err != fdpass.ErrNotUnix {
		t.Errorf("nothing to read: %v", err)
	}
	if _, err := syscall.Write(a, []byte("data")); err != nil {
		t.Fatal(err)
	}
	if err := waitReadable(b); err != nil {
		t.Fatal(err)
	}
	if _, err := fdpass.NewReceiver(fdpass.Socket(b), fdpass.Options{}); err != fdpass.ErrNotUnix {
		t.Errorf("a Receiver: %v", err)
	}
	if fds, err := fdpass.RecvFDs(b, 1); fds != nil || err != fdpass.ErrNotUnix {
		t.Errorf("data to read: %v, %v", fds, err)
	}
	left := "ata"
	if fdtest.Portable { // it asks first
		left = "data"
	}
	p := make([]byte, 8)
	if n, err := syscall.Read(b, p); err != nil || string(p[:max(n, 0)]) != left {
		t.Errorf("left: %q, %v, want %q", p[:max(n, 0)], err, left)
	}
	syscall.Shutdown(a, syscall.SHUT_WR)
	if _, err := fdpass.RecvFDs(b, 1); err != fdpass.ErrNotUnix {
		t.Errorf("at the end: %v", err)
	}
}

// waitReadable returns when there is something to read.
func waitReadable(fd int) error {
	for end := fdtest.Soon(); time.Now().Before(end); time.Sleep(time.Millisecond) {
		n, _, err := syscall.Recvfrom(fd, make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if n > 0 || err != nil && err != syscall.EAGAIN {
			return err
		}
	}
	return syscall.ETIMEDOUT
}

// The message comes while RecvFDs waits, after its first try has found nothing.
func TestDoesRecvFDsWaitForAMessage(t *testing.T) {
	for name, c := range map[string]struct {
		send func(a int, fds []int) error
		want int
		err  error
	}{
		"descriptors":    {func(a int, fds []int) error { return fdpass.SendFDs(a, fds...) }, 2, nil},
		"no descriptors": {func(a int, _ []int) error { return fdpass.SendFDs(a) }, 0, nil},
		"too many": {func(a int, fds []int) error {
			return fdpass.SendFDs(a, fds[0], fds[0], fds[0])
		}, 0, fdpass.ErrTruncated},
		"the end": {func(a int, _ []int) error {
			return syscall.Shutdown(a, syscall.SHUT_WR)
		}, 0, io.EOF},
	} {
		for when, wait := range map[string]time.Duration{
			"before": 0, "while it waits": 20 * time.Millisecond,
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
				fds, sent := fdtest.FDs(t, 2), make(chan error, 1)
				send := func() { sent <- c.send(a, fds) }
				if wait == 0 {
					send()
				} else {
					time.AfterFunc(wait, send)
				}
				got, err := fdpass.RecvFDs(b, 2)
				if len(got) != c.want || !errors.Is(err, c.err) {
					t.Errorf("%v, %v, want %d descriptors and %v", got, err, c.want, c.err)
				}
				fdtest.Close(t, got...)
				if err := <-sent; err != nil {
					t.Error(err)
				}
			})
		}
	}
}
