//go:build linux

package fdpass_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// If a caller does not close what it has received, the garbage collector does.
func TestAreForgottenDescriptorsClosed(t *testing.T) {
	probe, _ := fdtest.Pair(t, syscall.SOCK_STREAM)
	pidfds := fdpass.Options{PIDFD: true}.Apply(fdpass.Socket(probe)) == nil
	t.Logf("with pidfds, too: %v", pidfds)
	for name, receive := range map[string]func(t *testing.T, b fdpass.Socket){
		"Receiver": func(t *testing.T, b fdpass.Socket) {
			r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 3, PIDFD: pidfds})
			if m, err := r.Recv(make([]byte, 1)); err != nil || len(m.FDs()) != 3 {
				t.Error(err)
			}
		},
		"BatchReceiver": func(t *testing.T, b fdpass.Socket) {
			r := must(fdpass.NewBatchReceiver(b, 2, fdpass.Options{MaxFDs: 3, PIDFD: pidfds}))(t)
			msgs, err := r.Recv([][]byte{make([]byte, 1), nil}[:1])
			if err != nil || len(msgs[0].FDs()) != 3 {
				t.Error(err)
			}
		},
		"Stream": func(t *testing.T, b fdpass.Socket) {
			s := must(fdpass.NewStream(b, fdpass.StreamOptions{MaxFDs: 3, PIDFD: pidfds}))(t)
			if _, err := s.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
			fdtest.MustSend(t, a, "x", fdtest.FDs(t, 3)...)
			before := fdtest.Count(t)
			done := make(chan bool)
			go func() { // whose stack is gone afterwards
				defer close(done)
				receive(t, fdpass.Socket(b))
			}()
			<-done
			for end := fdtest.Soon(); fdtest.Count(t) != before; time.Sleep(time.Millisecond) {
				if runtime.GC(); time.Now().After(end) {
					t.Fatalf("%d descriptors before, %d after", before, fdtest.Count(t))
				}
			}
		})
	}
}

// The users of a connection share something that refers to it. It must not keep the
// connection in memory when there are no users any more.
func TestIsTheConnectionOfAForgottenReceiverKept(t *testing.T) {
	fdtest.NoLeak(t)
	collected := make(chan bool)
	done := make(chan bool)
	go func() {
		defer close(done)
		a, conn := fdtest.Conns(&unended{TB: t}, "unix")
		a.Close()
		b := &watched{UnixConn: conn}
		fdtest.Receiver(t, b, fdpass.Options{})
		sender(t, b)
		runtime.SetFinalizer(b, func(b *watched) { b.Close(); close(collected) })
	}()
	<-done
	for end := fdtest.Soon(); ; time.Sleep(time.Millisecond) {
		runtime.GC()
		select {
		case <-collected:
			return
		default:
		}
		if time.Now().After(end) {
			t.Fatal("the connection is held")
		}
	}
}

// unended is a test without cleanups, since they would refer to what they close.
type unended struct{ testing.TB }

func (*unended) Cleanup(func()) {}

// The peer sends as many descriptors as a message can carry, to a receiver that keeps
// what it can.
func TestDoesAPeerPushItsPidfdOut(t *testing.T) {
	fdtest.NeedsLinux(t, "a pidfd")
	fdtest.NoLeak(t)
	a, b := fdtest.PIDFDPair(t)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{
		MaxFDs: 1, KeepTruncated: true, PIDFD: true, Credentials: true,
	})
	var fds []int
	for len(fds) < rawmsg.SCM_MAX_FD {
		fds = append(fds, a)
	}
	fdtest.MustSend(t, a, "x", fds...)
	m, err := r.Recv(make([]byte, 1))
	if err != nil || len(m.FDs()) != 1 || !m.Truncated() {
		t.Fatalf("got %v", err)
	}
	if _, err := m.PIDFD(); err != nil {
		t.Errorf("the pidfd: %v", err)
	}
	if _, ok := m.Credentials(); !ok {
		t.Error("no credentials")
	}
	r.Close()
}
