//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// bound makes a datagram socket with this name, which is closed at the test's end.
func bound(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// names returns a path, a path of the greatest length (107 bytes and a zero), an abstract
// name, and an abstract name of the greatest length.
func names(t *testing.T) []string {
	dir := fdtest.SocketDir(t)
	long := filepath.Join(dir, strings.Repeat("n", max(1, 107-len(dir)-1)))
	unique := fmt.Sprint("@fdpass-test-", syscall.Getpid())
	return []string{filepath.Join(dir, "s"), long, unique, unique + strings.Repeat("x", 108-len(unique))}
}

func TestWhereDoesADatagramComeFrom(t *testing.T) {
	fdtest.NoLeak(t)
	to := bound(t, filepath.Join(fdtest.SocketDir(t), "to"))
	to.SetDeadline(fdtest.Soon())
	r := fdtest.Receiver(t, to, fdpass.Options{MaxFDs: 1, From: true})
	for _, name := range names(t) {
		from := bound(t, name)
		s, err := fdpass.NewSender(from)
		if err != nil {
			t.Fatal(err)
		}
		out := &fdpass.Outgoing{
			Payload: []byte("x"), FDs: fdtest.FDs(t, 1), To: to.LocalAddr().(*net.UnixAddr),
		}
		if _, err := s.SendMessage(out); err != nil {
			t.Fatalf("from %s: %v", name, err)
		}
		m, err := r.Recv(make([]byte, 1))
		if err != nil || len(m.FDs()) != 1 {
			t.Fatal(err)
		}
		got := m.From()
		if got == nil || got.Name != name || got.Net != "unixgram" {
			t.Errorf("from %s, and it says %v", name, got)
		}
		m.Close()

		// And back again.
		if _, err := s.SendMessage(out); err != nil {
			t.Fatal(err)
		}
		if m, err = r.Recv(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		m.Close()
		back, err := fdpass.NewSender(to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := back.SendMessage(&fdpass.Outgoing{Payload: []byte("back"), To: m.From()}); err != nil {
			t.Errorf("back to %s: %v", name, err)
		}
		p := make([]byte, 16)
		if n, err := from.Read(p); err != nil || string(p[:n]) != "back" {
			t.Errorf("back to %s: %q, %v", name, p[:n], err)
		}
	}
}

func TestWhereDoesAnUnboundSocketSendFrom(t *testing.T) {
	fdtest.NoLeak(t)
	for network, typ := range fdtest.Types {
		a, b := fdtest.Pair(t, typ)
		r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{From: true})
		fdtest.MustSend(t, a, "x")
		if m, err := r.Recv(make([]byte, 1)); err != nil || m.From() != nil {
			t.Errorf("%s: %v, %v", network, m.From(), err)
		}
	}
}

func TestWhereDoesAnAcceptedSocketSendFrom(t *testing.T) {
	for _, network := range []string{"unix", "unixpacket"} {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			l, connect := fdtest.Listen(t, fdtest.Types[network])
			c := connect()
			s := fdtest.Accept(t, l)
			fdtest.MustSend(t, s, "x")
			r := fdtest.Receiver(t, fdpass.Socket(c), fdpass.Options{From: true})
			m, err := r.Recv(make([]byte, 1))
			if err != nil {
				t.Fatal(err)
			}
			// It has the listening socket's name.
			name, err := syscall.Getsockname(l)
			if err != nil {
				t.Fatal(err)
			}
			want := name.(*syscall.SockaddrUnix).Name
			if got := m.From(); got == nil || got.Name != want || got.Net != network {
				t.Errorf("from %s %s, and it says %v", network, want, got)
			}
		})
	}
}

func TestWhichAddressesAreRefused(t *testing.T) {
	fdtest.NoLeak(t)
	a, _ := fdtest.Pair(t, syscall.SOCK_DGRAM)
	s, err := fdpass.NewSender(fdpass.Socket(a))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", strings.Repeat("x", 109), "@" + strings.Repeat("x", 108)} {
		out := &fdpass.Outgoing{Payload: []byte("x"), To: &net.UnixAddr{Name: name}}
		if _, err := s.SendMessage(out); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%q: %v, want EINVAL", name, err)
		}
	}
	out := &fdpass.Outgoing{
		Payload: []byte("x"), To: &net.UnixAddr{Name: filepath.Join(fdtest.SocketDir(t), "none")},
	}
	if _, err := s.SendMessage(out); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("nobody there: %v, want ENOENT", err)
	}
}
