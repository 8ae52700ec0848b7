//go:build linux

package fdpass_test

import (
	"errors"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// foreign is a connection whose methods do not do what package syscall requires.
type foreign struct {
	fdpass.Socket
	calls  int   // how often Read and Write call back
	err    error // what they return
	extras []int // makes the type one that cannot be a key of a map
}

func (f foreign) SyscallConn() (syscall.RawConn, error) { return f, nil }
func (f foreign) Control(g func(fd uintptr)) error      { g(uintptr(f.Socket)); return nil }
func (f foreign) Write(g func(fd uintptr) bool) error   { return f.Read(g) }

func (f foreign) Read(g func(fd uintptr) bool) error {
	for range f.calls {
		g(uintptr(f.Socket))
	}
	return f.err
}

// changing is a foreign connection that a test changes between two calls.
type changing struct{ now foreign }

func (c *changing) SyscallConn() (syscall.RawConn, error) { return c, nil }
func (c *changing) Control(g func(fd uintptr)) error      { return c.now.Control(g) }
func (c *changing) Write(g func(fd uintptr) bool) error   { return c.now.Write(g) }
func (c *changing) Read(g func(fd uintptr) bool) error    { return c.now.Read(g) }

var errForeign = errors.New("foreign")

func TestDoesAConnectionThatDoesNotCallBackBringTheLastMessageBack(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
	fds := fdtest.FDs(t, 2)
	conn := &changing{foreign{Socket: fdpass.Socket(b), calls: 1}}
	r := fdtest.Receiver(t, conn, fdpass.Options{MaxFDs: 2})
	batch := must(fdpass.NewBatchReceiver(conn, 2, fdpass.Options{MaxFDs: 2}))(t)
	s := sender(t, &changing{foreign{Socket: fdpass.Socket(a)}})
	p := make([]byte, 1)
	for _, broken := range []foreign{
		{Socket: fdpass.Socket(b)}, {Socket: fdpass.Socket(b), err: errForeign},
	} {
		fdtest.MustSend(t, a, "x", fds...)
		conn.now.calls, conn.now.err = 1, nil
		m, err := r.Recv(p)
		if err != nil || len(m.FDs()) != 2 {
			t.Fatal(err)
		}
		fdtest.MustSend(t, a, "x", fds...)
		if msgs, err := batch.Recv([][]byte{p, p}); err != nil || len(msgs) != 1 {
			t.Fatal(err)
		}
		conn.now = broken
		for range 2 {
			if m, err := r.Recv(p); m != nil || err == nil {
				t.Errorf("Recv: %v, %v", m, err)
			}
			if msgs, err := batch.Recv([][]byte{p, p}); len(msgs) != 0 || err == nil {
				t.Errorf("a batch: %v, %v", msgs, err)
			}
		}
		if fds, err := fdpass.Recv(conn, 2); fds != nil || err == nil {
			t.Errorf("one call: %v, %v", fds, err)
		}
		if n, err := s.Send(p, fds...); n != 0 || err == nil {
			t.Errorf("a send: %d, %v", n, err)
		}
	}
}

func TestDoesAConnectionThatCallsBackAndFailsLeak(t *testing.T) {
	for name, broken := range map[string]foreign{
		"fails":         {calls: 1, err: errForeign},
		"twice":         {calls: 2},
		"twice, fails":  {calls: 2, err: errForeign},
		"is no map key": {calls: 1, extras: []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
			fds := fdtest.FDs(t, 2)
			broken.Socket = fdpass.Socket(b)
			r := fdtest.Receiver(t, broken, fdpass.Options{MaxFDs: 2})
			batch := must(fdpass.NewBatchReceiver(broken, 1, fdpass.Options{MaxFDs: 2}))(t)
			p := make([]byte, 1)
			for range 6 {
				fdtest.MustSend(t, a, "x", fds...)
			}
			m, err := r.Recv(p)
			if !errors.Is(err, broken.err) || (m == nil) != (err != nil) {
				t.Errorf("Recv: %v, %v", m, err)
			}
			msgs, err := batch.Recv([][]byte{p})
			if !errors.Is(err, broken.err) || (len(msgs) == 0) != (err != nil) {
				t.Errorf("a batch: %v, %v", msgs, err)
			}
			got, err := fdpass.Recv(broken, 2)
			if !errors.Is(err, broken.err) || (len(got) == 0) != (err != nil) {
				t.Errorf("one call: %v, %v", got, err)
			}
			for _, f := range got {
				f.Close()
			}
			r.Close()
			batch.Close()
			// Each call took one message, so that three of six are left.
			for range 3 {
				fdtest.Expect(t, b, 1, "x", 2, 0)
			}
		})
	}
}

func TestDoesAConnectionThatCallsBackTwiceSendTwice(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	s := sender(t, &changing{foreign{Socket: fdpass.Socket(a), calls: 2}})
	if n, err := s.Send([]byte("x"), fdtest.FDs(t, 1)...); n != 1 || err != nil {
		t.Fatalf("sent %d, %v", n, err)
	}
	fdtest.Close(t, a)
	fdtest.Expect(t, b, 2, "x", 1, 0)
	fdtest.Expect(t, b, 2, "", 0, 0)
}
