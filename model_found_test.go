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
