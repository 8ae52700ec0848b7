//go:build linux

package fdpass_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/closer"
	"example.com/fdpass/internal/fdtest"
)

// lingering returns the descriptors of n TCP sockets whose last close waits for an
// hour: they have SO_LINGER, and data that the other end does not read. When end has
// been called, no close waits.
func lingering(t *testing.T, n int) (fds []int, end func()) {
	t.Helper()
	fdtest.SkipUnderGVisor(t, fdtest.GVisorLinger)
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		})
	}}
	l, err := config.Listen(fdtest.Context(t), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("needs TCP over the loopback interface: ", err)
	}
	defer l.Close()
	peers := make([]net.Conn, n)
	for i := range peers {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		to := &syscall.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
		if err := errors.Join(syscall.Connect(fd, to), syscall.SetNonblock(fd, true)); err != nil {
			syscall.Close(fd)
			t.Skip("needs TCP over the loopback interface: ", err)
		}
		if peers[i], err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		linger(t, fd)
		fds = append(fds, fd)
	}
	// What the other end's kernel has not acknowledged may still make room.
	for fillUp(fds) > 0 {
		time.Sleep(100 * time.Millisecond)
	}
	return fds, func() {
		for _, peer := range peers {
			peer.(*net.TCPConn).SetLinger(0) // a reset
			peer.Close()
		}
	}
}

// linger makes the last close of a TCP socket wait for its data.
func linger(t *testing.T, fd int) {
	t.Helper()
	linger := syscall.Linger{Onoff: 1, Linger: 3600}
	err := syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &linger)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4096); err != nil {
		t.Fatal(err)
	}
}

// fillUp writes to nonblocking sockets until they accept nothing more, and returns
// how much they have accepted.
func fillUp(fds []int) (n int) {
	p := make([]byte, 1<<12)
	for _, fd := range fds {
		for {
			m, err := syscall.Write(fd, p)
			if err != nil {
				break
			}
			n += m
		}
	}
	return n
}

// inTime calls f, which has to return although end has not been called. If it does
// not return, inTime calls end, and the test fails.
func inTime(t *testing.T, what string, end func(), f func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(time.Until(fdtest.Soon())):
		t.Errorf("%s waits for the peer of a socket that nobody asked for", what)
		end()
		<-done
	}
}

// A peer sends sockets whose last close waits, to every function that receives. It
// sends fewer than are closed in the background, and more than a message can carry.
func TestDoesAPeerDecideHowLongAReceiveTakes(t *testing.T) {
	p := make([]byte, 1)
	for _, n := range []int{1, 2 * closer.Limit} {
		for name, receive := range map[string]func(t *testing.T, conn *net.UnixConn) error{
			"Recv": func(t *testing.T, conn *net.UnixConn) error {
				_, err := fdpass.Recv(conn, 0)
				return err
			},
			"Receiver": func(t *testing.T, conn *net.UnixConn) error {
				r := fdtest.Receiver(t, conn, fdpass.Options{})
				_, err := r.RecvContext(fdtest.Context(t), p)
				return err
			},
			"kept": func(t *testing.T, conn *net.UnixConn) error {
				r := fdtest.Receiver(t, conn, fdpass.Options{KeepTruncated: true})
				m, err := r.Recv(p)
				if err == nil {
					err = m.Err()
				}
				return err
			},
			"Stream": func(t *testing.T, conn *net.UnixConn) error {
				s := must(fdpass.NewStream(conn, fdpass.StreamOptions{}))(t)
				_, err := s.Read(p)
				return err
			},
			"BatchReceiver": func(t *testing.T, conn *net.UnixConn) error {
				b := must(fdpass.NewBatchReceiver(conn, 2, fdpass.Options{}))(t)
				msgs, err := b.Recv([][]byte{p, p})
				if err == nil {
					err = msgs[0].Err()
				}
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				fdtest.NoLeak(t)
				a, b := fdtest.Conns(t, "unix")
				fds, end := lingering(t, n)
				t.Cleanup(end)
				if _, err := fdpass.SendMsgFDs(a, p, fds...); err != nil {
					t.Fatal(err)
				}
				fdtest.Close(t, fds...) // they are under way: this does not wait
				inTime(t, name, end, func() {
					if err := receive(t, b); !errors.Is(err, fdpass.ErrTruncated) {
						t.Errorf("got %v", err)
					}
				})
				if closer.Waiting() == 0 {
					t.Error("no close waits: nothing was shown")
				}
			})
		}
	}
}
