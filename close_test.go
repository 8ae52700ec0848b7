//go:build linux

package fdpass_test

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// files makes a connected pair of sockets as files. They are in Go's poller unless
// they block.
func files(t *testing.T, network string, nonblock bool) (a, b *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, fdtest.Types[network]|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var f [2]*os.File
	for i := range fds {
		if err := syscall.SetNonblock(fds[i], nonblock); err != nil {
			t.Fatal(err)
		}
		f[i] = os.NewFile(uintptr(fds[i]), "socket")
		t.Cleanup(func() { f[i].Close() })
	}
	return f[0], f[1]
}

// crowd runs f in many goroutines, and wait waits for them.
func crowd(f func()) (wait func()) {
	var group sync.WaitGroup
	for range 300 {
		fdtest.Go(&group, f)
	}
	return group.Wait
}

func TestWhatDoReceiversSeeWhenTheirConnectionIsClosed(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			noGoroutine(t)
			a, b := fdtest.Conns(t, network)
			var got, wrong atomic.Int64
			var ready sync.WaitGroup
			ready.Add(300)
			wait := crowd(func() { // each with a Receiver of its own, for one connection
				r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 2, Credentials: !fdtest.Portable})
				ready.Done()
				for p := make([]byte, 1); err == nil; {
					var m *fdpass.Message
					if m, err = r.Recv(p); err == nil {
						got.Add(int64(len(m.FDs())))
						m.Close()
					}
				}
				if !errors.Is(err, net.ErrClosed) {
					wrong.Add(1)
					t.Error(err)
				}
			})
			ready.Wait()
			fds := fdtest.FDs(t, 2)
			s := sender(t, a)
			for range 500 {
				if _, err := s.Send([]byte("x"), fds...); err != nil {
					t.Error(err)
				}
			}
			for end := fdtest.Soon(); got.Load() == 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond) // a long queue of datagrams keeps no sender waiting
			}
			b.Close()
			wait()
			if got.Load() == 0 {
				t.Error("nothing was received")
			}
		})
	}
}

func TestWhatDoManyConnectionsLeakWhenTheyAreClosed(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	fds := fdtest.FDs(t, 2)
	wait := crowd(func() { // each with connections of its own
		a, b := fdtest.Conns(t, "unix")
		done := make(chan error)
		go func() { // closes in the middle of a receive
			_, err := fdpass.SendMsg(a, []byte("x"))
			s, serr := fdpass.NewSender(a)
			if serr == nil {
				_, serr = s.Send([]byte("y"), fds...)
			}
			b.Close()
			done <- errors.Join(err, serr)
		}()
		var err error
		for err == nil {
			var files []*os.File
			files, err = fdpass.Recv(b, 2)
			for _, f := range files {
				f.Close()
			}
		}
		if !errors.Is(err, net.ErrClosed) {
			t.Error("receive:", err)
		}
		if err := <-done; err != nil {
			t.Error("send:", err)
		}
	})
	wait()
}

func TestWhatDoSendersSeeWhenTheirConnectionIsClosed(t *testing.T) {
	fdtest.NoLeak(t)
	noGoroutine(t)
	a, b := fdtest.Conns(t, "unix")
	sent := fdtest.Files(t, 2)
	first := make(chan bool, 300)
	wait := crowd(func() {
		for {
			_, err := fdpass.SendMsg(a, make([]byte, 1<<14), sent...)
			if err == nil {
				first <- true
				continue
			}
			if !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			return
		}
	})
	<-first // the queue fills up, and nobody reads
	a.Close()
	wait()
	b.Close()
}

func TestWhatDoesAClosedFileSay(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			noGoroutine(t)
			a, b := files(t, network, true)
			r, s := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1}), sender(t, b)
			wait := make(chan error)
			go func() {
				_, err := r.Recv(make([]byte, 1))
				if err == nil {
					_, err = r.Recv(make([]byte, 1))
				}
				wait <- err
			}()
			if err := fdpass.Send(a); err != nil {
				t.Error(err)
			}
			b.Close()
			if err := <-wait; !errors.Is(err, net.ErrClosed) {
				t.Error("while receiving:", err)
			}
			if _, err := r.Recv(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Error("afterwards:", err)
			}
			if _, err := s.Send([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Error("sending:", err)
			}
		})
	}
}
