//go:build linux

package fdpass_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestWhatIsAPair(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b, err := fdpass.Pair(network)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			defer b.Close()
			if got := a.LocalAddr().Network(); got != network {
				t.Errorf("the network is %q", got)
			}
			if _, err := a.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			if n, err := b.Read(make([]byte, 9)); n != 1 || err != nil {
				t.Error(n, err)
			}
			for _, c := range []*net.UnixConn{a, b} {
				raw, err := c.SyscallConn()
				if err != nil {
					t.Fatal(err)
				}
				raw.Control(func(fd uintptr) {
					if !fdtest.CloseOnExec(t, int(fd)) {
						t.Error("a process that is started inherits it")
					}
				})
			}
		})
	}
}

func TestWhatIsNoPair(t *testing.T) {
	fdtest.NoLeak(t)
	if a, b, err := fdpass.Pair("tcp"); a != nil || b != nil || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("%v, %v, %v", a, b, err)
	}
	for free := range 4 { // both sockets, and a duplicate of each for package net
		restore := fdtest.LimitTable(t, free)
		a, b, err := fdpass.Pair("unix")
		restore()
		if err == nil {
			a.Close()
			b.Close()
			continue
		}
		if a != nil || b != nil || !errors.Is(err, syscall.EMFILE) {
			t.Errorf("with room for %d: %v, %v, %v", free, a, b, err)
		}
	}
}

func TestWhoOwnsTheNumberOfAConnection(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	dup, err := syscall.Dup(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := fdpass.NewUnixConn(dup)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
	f, err := fdpass.RecvFile(c)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()

	// What it refuses stays open, and the caller's.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if c, err := fdpass.NewUnixConn(int(r.Fd())); c != nil || !errors.Is(err, syscall.ENOTSOCK) {
		t.Errorf("a pipe: %v, %v", c, err)
	}
	inet := fdtest.Socket(t, syscall.AF_INET, syscall.SOCK_STREAM)
	if c, err := fdpass.NewUnixConn(inet); c != nil || !errors.Is(err, fdpass.ErrNotUnix) {
		t.Errorf("an internet socket: %v, %v", c, err)
	}
	if c, err := fdpass.NewUnixConn(-1); c != nil || !errors.Is(err, syscall.EBADF) {
		t.Errorf("no descriptor: %v, %v", c, err)
	}
}

// inherits reports whether SO_PASSCRED is on.
func inherits(t *testing.T, conn *net.UnixConn) bool {
	t.Helper()
	on, err := syscall.GetsockoptInt(rawFD(t, conn), syscall.SOL_SOCKET, syscall.SO_PASSCRED)
	if err != nil {
		t.Fatal(err)
	}
	return on != 0
}

// A connection has the options of its listener from the moment when it is accepted.
func TestDoesAConnectionInheritTheOptionsOfItsListener(t *testing.T) {
	fdtest.NeedsLinux(t, "an option")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{
		Name: filepath.Join(fdtest.SocketDir(t), "s"), Net: "unix",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := (fdpass.Options{Credentials: true}).Apply(l); err != nil {
		t.Fatal(err)
	}
	client, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 2 { // sent before accept
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if !inherits(t, conn) {
		fdtest.SkipUnderGVisor(t, "older ones: a connection does not have its listener's SO_PASSCRED")
	}
	// The Receiver asks for nothing, and finds that there has to be room.
	r := fdtest.Receiver(t, conn, fdpass.Options{})
	defer r.Close()
	m, err := r.Recv(make([]byte, 1))
	if err != nil {
		t.Fatal(err)
	}
	if cred, ok := m.Credentials(); !ok || int(fdtest.Process(cred).PID) != os.Getpid() {
		t.Errorf("the first message is of %+v, %v", cred, ok)
	}
	if err := (fdpass.Options{MaxFDs: -1}).Apply(l); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("options that make no sense: %v", err)
	}
}

func TestDoesOneTryOnABareDescriptorWait(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ) // blocking
			r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1})
			defer r.Close()
			if m, err := r.TryRecv(make([]byte, 9)); m != nil || !errors.Is(err, syscall.EAGAIN) {
				t.Errorf("nothing is there: %v, %v", m, err)
			}
			s, err := fdpass.NewSender(fdpass.Socket(a))
			if err != nil {
				t.Fatal(err)
			}
			out := &fdpass.Outgoing{Payload: []byte("hello"), Files: fdtest.Files(t, 1)}
			if n, err := s.TrySend(out); n != 5 || err != nil {
				t.Fatal(n, err)
			}
			m, err := r.TryRecv(make([]byte, 9))
			if err != nil || len(m.FDs()) != 1 {
				t.Fatal(err)
			}
			m.Close()
			plain := &fdpass.Outgoing{Payload: make([]byte, 4096)}
			for err == nil {
				_, err = s.TrySend(plain)
			}
			if !errors.Is(err, syscall.EAGAIN) {
				t.Errorf("the queue is full: %v", err)
			}
		})
	}
}

// Another call waits on the same connection, which keeps Go's lock for reading, and a
// deadline has passed.
func TestDoesTryRecvWaitForAnotherCall(t *testing.T) {
	fdtest.NoLeak(t)
	for _, network := range []string{"unix", "unixpacket"} {
		a, b := fdtest.Conns(t, network)
		waits, tries := fdtest.Receiver(t, b, fdpass.Options{}), fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
		waited := make(chan error)
		began := make(chan bool)
		go func() {
			close(began)
			_, err := waits.Recv(make([]byte, 1))
			waited <- err
		}()
		<-began
		time.Sleep(time.Millisecond) // or else the test shows nothing
		tried := make(chan error, 1)
		go func() {
			_, err := tries.TryRecv(make([]byte, 1))
			tried <- err
		}()
		select {
		case err := <-tried:
			if !errors.Is(err, syscall.EAGAIN) {
				t.Errorf("%s: %v", network, err)
			}
		case <-time.After(time.Until(fdtest.Soon())):
			t.Errorf("%s: it waits", network)
		}
		if err := waits.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := <-waited; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the other call: %v", network, err)
		}
		if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...); err != nil {
			t.Fatal(err)
		}
		m, err := tries.TryRecv(make([]byte, 1))
		if err != nil || len(m.FDs()) != 1 {
			t.Fatalf("%s: %v", network, err)
		}
		m.Close()
		b.Close()
		if _, err := tries.TryRecv(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: closed: %v", network, err)
		}
	}
}
