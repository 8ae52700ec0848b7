//go:build linux

package fdpass_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestDoesAnEmptyMessageEndABatch(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	s, err := fdpass.NewBatchSender(a)
	if err != nil {
		t.Fatal(err)
	}
	fds := fdtest.FDs(t, 2)
	out := []fdpass.Outgoing{{}, {Payload: []byte("x"), FDs: fds[:1]}, {}, {Payload: []byte("y"), FDs: fds[1:]}}
	if n, _, err := s.Send(out); n != len(out) || err != nil {
		t.Fatal(n, err)
	}
	r, err := fdpass.NewBatchReceiver(b, len(out), fdpass.Options{MaxFDs: 1})
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := r.Recv([][]byte{make([]byte, 1), make([]byte, 1), make([]byte, 1), make([]byte, 1)})
	if err != nil || len(msgs) != len(out) {
		t.Fatalf("sent %d messages, got %d and %v", len(out), len(msgs), err)
	}
	for i := range msgs {
		if string(msgs[i].Payload()) != string(out[i].Payload) || len(msgs[i].FDs()) != len(out[i].FDs) {
			t.Errorf("message %d: %q with descriptors %v", i, msgs[i].Payload(), msgs[i].FDs())
		}
		msgs[i].Close()
	}
}

func TestIsAContextRefusedWhereNothingEndsTheWait(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	dup, err := syscall.Dup(b)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(dup), "blocking socket")
	defer f.Close()
	r, err := fdpass.NewReceiver(f, fdpass.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := fdpass.NewSender(f)
	if err != nil {
		t.Fatal(err)
	}
	// Where the receive does wait, this ends it.
	defer time.AfterFunc(5*time.Second, func() { syscall.Shutdown(a, syscall.SHUT_RDWR) }).Stop()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := r.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("receive: want ErrUnsupported, got %v", err)
	}
	if _, err := s.SendContext(ctx, &fdpass.Outgoing{Payload: []byte("x")}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("send: want ErrUnsupported, got %v", err)
	}
}

func TestDoesTheRestOfAShortWriteHaveTheSameCredentials(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, who alone may send the credentials of another user")
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
				if cred, ok := m.Credentials(); !ok || cred != nobody {
					t.Fatalf("behind byte %d: %v, %v", n, cred, ok)
				}
				n += len(m.Payload())
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestIsTheMessageBeforeClosedIfTheContextIsDone(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 2)...); err != nil {
		t.Fatal(err)
	}
	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recv(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := fdtest.Count(t)
	if _, err := r.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("want context.Canceled, got %v", err)
	}
	if after := fdtest.Count(t); after != before-2 {
		t.Errorf("%d descriptors were closed, two were left in the message before", before-after)
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
	if m, err = r.Recv(make([]byte, 10)); err != nil || string(m.Payload()) != "hellohello" || len(m.FDs()) != 0 {
		t.Errorf("receive: %v, %v", m, err)
	}
	if m, err = r.Recv(make([]byte, 10)); err != nil || string(m.Payload()) != "hello" || len(m.FDs()) != 1 {
		t.Errorf("receive: %v, %v", m, err)
	}
	if m != nil {
		m.Close()
	}
}
