//go:build linux

package fdpass_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// watched is a connection that remembers the last deadlines that were set, since
// package net has no way to read them.
type watched struct {
	*net.UnixConn
	mu          sync.Mutex
	read, write time.Time
}

func (w *watched) SetReadDeadline(at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read = at
	return w.UnixConn.SetReadDeadline(at)
}

func (w *watched) SetWriteDeadline(at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write = at
	return w.UnixConn.SetWriteDeadline(at)
}

// cancelled returns a context that is cancelled in a moment.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(fdtest.Context(t))
	time.AfterFunc(5*time.Millisecond, cancel)
	return ctx
}

// noGoroutine makes t fail if more goroutines are there at its end than now.
func noGoroutine(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for end := fdtest.Soon(); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				buf := make([]byte, 1<<20)
				t.Errorf("goroutines are left:\n%s", buf[:runtime.Stack(buf, true)])
				return
			}
		}
	})
}

func TestDoesACancelledReceiveKeepTheDeadline(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	a, conn := fdtest.Conns(t, "unix")
	b := &watched{UnixConn: conn}
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
	p := make([]byte, 16)
	for _, deadline := range []time.Time{{}, time.Now().Add(time.Hour)} {
		if err := r.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if m, err := r.RecvContext(cancelled(t), p); m != nil || !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v, %v", m, err)
			}
			if !b.read.Equal(deadline) {
				t.Errorf("the deadline was %v and is %v", deadline, b.read)
			}
		}
		// The connection works as before.
		if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...); err != nil {
			t.Fatal(err)
		}
		m, err := r.RecvContext(fdtest.Context(t), p)
		if err != nil || len(m.FDs()) != 1 {
			t.Fatal(err)
		}
		m.Close()
	}
	// A deadline that was set ends a wait, with a context or without.
	if err := r.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.RecvContext(fdtest.Context(t), p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("with a context: %v", err)
	}
	if _, err := r.Recv(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("without: %v", err)
	}
}

func TestDoesADeadlineThatIsSetMeanwhileStay(t *testing.T) {
	fdtest.NoLeak(t)
	_, conn := fdtest.Conns(t, "unix")
	b := &watched{UnixConn: conn}
	r := fdtest.Receiver(t, b, fdpass.Options{})
	for i := range 50 {
		ctx, cancel := context.WithCancel(fdtest.Context(t))
		want := time.Now().Add(time.Duration(i+1) * time.Hour)
		set := make(chan error)
		go cancel()
		go func() { set <- r.SetReadDeadline(want) }()
		if _, err := r.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := <-set; err != nil || !b.read.Equal(want) {
			t.Fatalf("the deadline is %v, want %v, %v", b.read, want, err)
		}
	}
}

func TestDoesACancelledSendKeepTheDeadline(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	conn, b := fdtest.Conns(t, "unix")
	a := &watched{UnixConn: conn}
	s := sender(t, a)
	deadline := time.Now().Add(time.Hour)
	if err := s.SetWriteDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	out := &fdpass.Outgoing{Payload: make([]byte, 1<<22), FDs: fdtest.FDs(t, 2)}
	n, err := s.SendMessageContext(cancelled(t), out)
	if !errors.Is(err, context.Canceled) || n == len(out.Payload) {
		t.Fatalf("%d bytes went, %v", n, err)
	}
	if !a.write.Equal(deadline) {
		t.Errorf("the deadline was %v and is %v", deadline, a.write)
	}
	a.Close()
	want := 2
	if n == 0 { // cancelled before the first
		want = 0
	}
	if data, fds := drain(t, b, 2); len(data) != n || fds != want {
		t.Errorf("%d bytes went and %d came, with %d descriptors", n, len(data), fds)
	}
}

func TestDoesADoneContextTouchTheConnection(t *testing.T) {
	fdtest.NoLeak(t)
	a, conn := fdtest.Conns(t, "unix")
	b := &watched{UnixConn: conn}
	if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...); err != nil {
		t.Fatal(err)
	}
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
	ctx, cancel := context.WithTimeout(fdtest.Context(t), -time.Second)
	defer cancel()
	if _, err := r.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("receive: %v", err)
	}
	n, err := sender(t, b).SendMessageContext(ctx, &fdpass.Outgoing{Payload: []byte("x")})
	if n != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("send: %d, %v", n, err)
	}
	if !b.read.IsZero() || !b.write.IsZero() {
		t.Error("a deadline was set")
	}
	m, err := r.RecvContext(context.Background(), make([]byte, 1))
	if err != nil || len(m.FDs()) != 1 {
		t.Fatal(err)
	}
	m.Close()
}

func TestIsAMessageLostWhenTheContextIsCancelled(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	a, b := fdtest.Conns(t, "unixpacket")
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
	fds := fdtest.FDs(t, 1)
	s := sender(t, a)
	const rounds = 200
	done := make(chan error)
	go func() {
		var err error
		for range rounds {
			if _, serr := s.Send([]byte("x"), fds...); serr != nil {
				err = serr
			}
			runtime.Gosched()
		}
		a.Close()
		done <- err
	}()
	got, cancels := 0, 0
	for {
		ctx, cancel := context.WithCancel(fdtest.Context(t))
		go cancel()
		m, err := r.RecvContext(ctx, make([]byte, 1))
		if errors.Is(err, context.Canceled) {
			cancels++
			continue
		}
		if err != nil {
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		got += len(m.FDs())
	}
	if err := <-done; err != nil || got != rounds {
		t.Errorf("%d of %d descriptors came, %d receives were cancelled, %v", got, rounds, cancels, err)
	}
}

func TestWhichConnectionsHaveNoDeadline(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r, s := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{}), sender(t, fdpass.Socket(a))
	if err := r.SetReadDeadline(fdtest.Soon()); !errors.Is(err, os.ErrNoDeadline) {
		t.Errorf("read: %v", err)
	}
	if err := s.SetWriteDeadline(fdtest.Soon()); !errors.Is(err, os.ErrNoDeadline) {
		t.Errorf("write: %v", err)
	}
	ctx, cancel := context.WithCancel(fdtest.Context(t))
	defer cancel()
	if _, err := r.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("receive: %v", err)
	}
	_, err := s.SendMessageContext(ctx, &fdpass.Outgoing{Payload: []byte("x")})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("send: %v", err)
	}
	// A context that is never done needs no deadline.
	_, err = s.SendMessageContext(context.Background(), &fdpass.Outgoing{Payload: []byte("x")})
	if err != nil {
		t.Error(err)
	}
	if _, err := r.RecvContext(context.Background(), make([]byte, 1)); err != nil {
		t.Error(err)
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
	ctx, cancel := context.WithCancel(fdtest.Context(t))
	defer cancel()
	if _, err := r.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("receive: want ErrUnsupported, got %v", err)
	}
	_, err = s.SendMessageContext(ctx, &fdpass.Outgoing{Payload: []byte("x")})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("send: want ErrUnsupported, got %v", err)
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
	ctx, cancel := context.WithCancel(fdtest.Context(t))
	cancel()
	before := fdtest.Count(t)
	if _, err := r.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("want context.Canceled, got %v", err)
	}
	if after := fdtest.Count(t); after != before-2 {
		t.Errorf("%d descriptors were closed, two were left in the message before", before-after)
	}
}
