//go:build linux

package fdpass_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// rounds is how often one context ends several waits on one connection. The fault
// that these tests were written for appeared in one round of thirteen.
const rounds = 2000

// endTogether starts the waits, cancels their context, and checks that each of them
// ends with the error of the context.
func endTogether(t *testing.T, waits []func(ctx context.Context) error, release func()) {
	t.Helper()
	for i := range rounds {
		ctx, cancel := context.WithCancel(fdtest.Context(t))
		var group sync.WaitGroup
		for _, wait := range waits {
			fdtest.Go(&group, func() {
				if err := wait(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("round %d: %v", i, err)
				}
			})
		}
		if i%4 != 0 { // or else before most of them wait
			time.Sleep(time.Duration(i%4) * 20 * time.Microsecond)
		}
		cancel()
		done := make(chan bool)
		go func() {
			group.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(time.Until(fdtest.Soon())):
			t.Errorf("round %d: a context that is done, and a wait that goes on", i)
			release()
			<-done
		}
		if t.Failed() {
			return
		}
	}
}

func TestDoesOneContextEndTheWaitsOfManyReceivers(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	_, conn := fdtest.Conns(t, "unix")
	b := &watched{UnixConn: conn}
	var waits []func(ctx context.Context) error
	for range 4 {
		r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
		waits = append(waits, func(ctx context.Context) error {
			_, err := r.RecvContext(ctx, make([]byte, 1))
			return err
		})
	}
	stream := must(fdpass.NewStream(b, fdpass.StreamOptions{}))(t)
	waits = append(waits, func(ctx context.Context) error {
		_, err := stream.ReadContext(ctx, make([]byte, 1))
		return err
	})
	deadline := time.Now().Add(time.Hour)
	if err := stream.SetReadDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	endTogether(t, waits, func() { conn.Close() })
	if !b.read.Equal(deadline) {
		t.Errorf("the deadline was %v and is %v", deadline, b.read)
	}
}

func TestDoesOneContextEndTheWaitsOfManySenders(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	conn, _ := fdtest.Conns(t, "unixpacket")
	a := &watched{UnixConn: conn}
	full(t, conn)
	var waits []func(ctx context.Context) error
	for range 4 {
		s := sender(t, a)
		waits = append(waits, func(ctx context.Context) error {
			_, err := s.SendContext(ctx, []byte("x"))
			return err
		})
	}
	endTogether(t, waits, func() { conn.Close() })
	if !a.write.IsZero() {
		t.Errorf("the deadline is %v", a.write)
	}
}

// full sends until nothing more can be sent.
func full(t *testing.T, conn syscall.Conn) {
	t.Helper()
	s := sender(t, conn)
	for {
		if _, err := s.TrySend(&fdpass.Outgoing{Payload: []byte("x")}); err != nil {
			return
		}
	}
}

// When a context ends one wait, the others continue, and each keeps the deadline that
// was set for it.
func TestDoesAnotherContextEndAWait(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	a, b := fdtest.Conns(t, "unixpacket")
	one := fdtest.Receiver(t, b, fdpass.Options{})
	got := make(chan error, 3)
	two := fdtest.Receiver(t, b, fdpass.Options{})
	three := must(fdpass.NewBatchReceiver(b, 1, fdpass.Options{}))(t)
	go func() { _, err := two.Recv(make([]byte, 1)); got <- err }()
	go func() { _, err := three.Recv([][]byte{make([]byte, 1)}); got <- err }()
	go func() { _, _, err := fdpass.RecvMsg(b, make([]byte, 1), 0); got <- err }()
	for range rounds / 4 {
		ctx, cancel := context.WithCancel(fdtest.Context(t))
		time.AfterFunc(10*time.Microsecond, cancel)
		if _, err := one.RecvContext(ctx, make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("the one with the context: %v", err)
		}
		if len(got) > 0 {
			break
		}
	}
	for range 3 {
		if _, err := fdpass.SendMsg(a, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := <-got; err != nil {
			t.Errorf("one without: %v", err)
		}
	}
}

// While a part of a message has been sent, a context ends another call, which lets the
// others in for a moment. All of them wait for the rest of the message.
func TestIsAMessageSentInTheMiddleOfAnother(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	for name, others := range map[string]func(conn *net.UnixConn) func() error{
		"Sender": func(conn *net.UnixConn) func() error {
			s := sender(t, conn)
			return func() error { _, err := s.Send([]byte("b")); return err }
		},
		"BatchSender": func(conn *net.UnixConn) func() error {
			s := batchSender(t, conn)
			return func() error { _, _, err := s.Send([]fdpass.Outgoing{{Payload: []byte("b")}}); return err }
		},
		"SendMsg": func(conn *net.UnixConn) func() error {
			return func() error { _, err := fdpass.SendMsg(conn, []byte("b")); return err }
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 50 {
				a, b := fdtest.Conns(t, "unix")
				cut := sender(t, a)
				large := sender(t, a).Send
				if i%2 == 0 {
					large = func(p []byte, _ ...int) (int, error) { return fdpass.SendMsg(a, p) }
				}
				var group sync.WaitGroup
				send := func(f func() error) {
					fdtest.Go(&group, func() {
						if err := f(); err != nil {
							t.Error(err)
						}
					})
				}
				send(func() error { _, err := large(bytes.Repeat([]byte("a"), 1<<20)); return err })
				if _, err := io.ReadFull(b, make([]byte, 1)); err != nil { // it has begun
					t.Fatal(err)
				}
				for range 3 {
					send(others(a))
				}
				ctx, cancel := context.WithCancel(fdtest.Context(t))
				want := 1<<20 - 1 + 3
				send(func() error {
					_, err := cut.SendContext(ctx, []byte("c"))
					if errors.Is(err, context.Canceled) {
						return nil
					}
					want++ // on a slow machine the context ends too late
					return err
				})
				time.Sleep(time.Millisecond)
				cancel()
				time.Sleep(time.Millisecond)
				sent := make(chan bool)
				go func() {
					group.Wait()
					a.Close()
					close(sent)
				}()
				got, err := io.ReadAll(b)
				if err != nil {
					t.Fatal(err)
				}
				<-sent
				first, last := bytes.IndexByte(got, 'a'), bytes.LastIndexByte(got, 'a')
				if len(got) != want || last-first+2 != 1<<20 {
					t.Fatalf("%d bytes came, the long message from %d to %d", len(got), first, last)
				}
			}
		})
	}
}
