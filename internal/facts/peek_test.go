//go:build linux

package facts

import (
	"errors"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestDoesEveryPeekInstallDuplicates(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 2)...)
			for range 3 {
				before := fdtest.Count(t)
				fdtest.Expect(t, b, 16, "hello", 2, syscall.MSG_PEEK)
				if n := fdtest.Count(t); n != before+2 {
					t.Errorf("a peek installed %d descriptors", n-before)
				}
			}
			fdtest.Expect(t, b, 16, "hello", 2, 0)
		})
	}
}

func TestDoesAPeekAtAnOffsetInstallDuplicates(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it has no SO_PEEK_OFF")
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	const soPeekOff = 42 // include/uapi/asm-generic/socket.h, the same everywhere
	fdtest.SetOption(t, b, soPeekOff, 0, "SO_PEEK_OFF")
	fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 1)...)
	fdtest.Expect(t, b, 2, "he", 1, syscall.MSG_PEEK)
	fdtest.Expect(t, b, 2, "ll", 1, syscall.MSG_PEEK)
	fdtest.Expect(t, b, 16, "hello", 1, 0)
}

func TestDoesAPeekWithoutControlBufferInstallAnything(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 1)...)
			before := fdtest.Count(t)
			r := fdtest.Recvmsg(t, b, 16, 0, syscall.MSG_PEEK)
			if n := fdtest.Count(t); n != before || string(r.Payload) != "hello" {
				t.Errorf("got %q, and %d descriptors were installed", r.Payload, n-before)
			}
			fdtest.Expect(t, b, 16, "hello", 1, 0)
		})
	}
}

func TestDoesPeekLeakAnything(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			fds := fdtest.FDs(t, 3)
			fdtest.MustSend(t, a, "hello", fds...)
			r, err := fdpass.NewReceiver(fdpass.Socket(b), fdpass.Options{MaxFDs: 3})
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 16)
			before := fdtest.Count(t)
			for range 10 {
				m, err := r.Peek(p)
				if err != nil || string(m.Payload()) != "hello" || len(m.FDs()) != 3 {
					t.Fatalf("peeked: %v", err)
				}
				if n := fdtest.Count(t); n != before+3 {
					t.Fatalf("%d descriptors more than before", n-before)
				}
			}
			m, err := r.Recv(p)
			if err != nil || string(m.Payload()) != "hello" || len(m.FDs()) != 3 {
				t.Fatalf("received after the peeks: %v", err)
			}
			m.Close()
		})
	}
}

func TestIsAPeekedMessageTruncatedAndNotLost(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 5)...)
	small, err := fdpass.NewReceiver(fdpass.Socket(b), fdpass.Options{MaxFDs: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 16)
	m, err := small.Peek(p)
	if !errors.Is(err, fdpass.ErrTruncated) || string(m.Payload()) != "hello" || len(m.FDs()) != 0 {
		t.Errorf("peeked: %v", err)
	}
	if fds, err := fdpass.RecvFDs(b, 5); err != nil || len(fds) != 5 {
		t.Errorf("received: %v, %v", fds, err)
	} else {
		fdtest.Close(t, fds...)
	}
}

func TestWhoseDescriptorsDoesAPeekBring(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it is about what the kernel does")
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	fds := fdtest.FDs(t, 1)
	s, err := fdpass.NewSender(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, fds := range [][]int{nil, nil, fds} {
		if _, err := s.Send([]byte("hello"), fds...); err != nil {
			t.Fatal(err)
		}
	}
	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 1})
	if err != nil {
		t.Fatal(err)
	}
	// The third message's, even if the peek ends in the first.
	m, err := r.Peek(make([]byte, 3))
	if err != nil || string(m.Payload()) != "hel" || len(m.FDs()) != 1 {
		t.Errorf("peek: %v, %v", m, err)
	}
	if m, err = r.Recv(make([]byte, 10)); err != nil || string(m.Payload()) != "hellohello" ||
		len(m.FDs()) != 0 {
		t.Errorf("receive: %v, %v", m, err)
	}
	if m, err = r.Recv(make([]byte, 10)); err != nil || string(m.Payload()) != "hello" || len(m.FDs()) != 1 {
		t.Errorf("receive: %v, %v", m, err)
	}
	if m != nil {
		m.Close()
	}
}
