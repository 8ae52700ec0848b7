//go:build linux

package fdpass_test

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// Options that are switched on when there is something in the queue already, and
// by somebody else.

func TestWhatIsSaidOfASenderBeforeCredentialsWereAskedFor(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			fdtest.MustSend(t, a, "early", fdtest.FDs(t, 1)...)
			r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1, Credentials: true})
			fdtest.MustSend(t, a, "late", fdtest.FDs(t, 1)...)
			for _, want := range []struct {
				payload string
				cred    fdpass.Credentials
			}{
				{"early", fdpass.Credentials{PID: 0, UID: 65534, GID: 65534}},
				{"late", ownCredentials()},
			} {
				m, err := r.Recv(make([]byte, 16))
				if err != nil || string(m.Payload()) != want.payload || len(m.FDs()) != 1 {
					t.Fatalf("%s: %v", want.payload, err)
				}
				if cred, ok := m.Credentials(); !ok || cred != want.cred {
					t.Errorf("%s: %v, %v, want %v", want.payload, cred, ok, want.cred)
				}
				m.Close()
			}
		})
	}
}

func TestIsRoomMadeForAnotherReceiversInq(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	with := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1, QueuedBytes: true})
	fdtest.MustSend(t, a, "xyz", fdtest.FDs(t, 1)...)
	m, err := with.Recv(make([]byte, 1))
	if err != nil || len(m.FDs()) != 1 {
		t.Fatal(err)
	}
	if n, ok := m.QueuedBytes(); !ok || n != 2 {
		t.Errorf("%d bytes left, %v", n, ok)
	}
	m.Close()
	// SO_INQ cannot be read, so who does not ask for it has to make room.
	without := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1, ExtraRoom: fdtest.ByWord(24, 16)})
	fdtest.MustSend(t, a, "w", fdtest.FDs(t, 1)...)
	if _, err := without.Recv(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	m, err = without.Recv(make([]byte, 16))
	if err != nil || len(m.FDs()) != 1 {
		t.Fatal(err)
	}
	if n, ok := m.QueuedBytes(); !ok || n != 0 {
		t.Errorf("%d bytes left, %v", n, ok)
	}
	m.Close()
}

func TestDoesAReceiverHaveOneBufferForAll(t *testing.T) {
	fdtest.NoLeak(t)
	// A long address, then none, then a short one.
	dir := fdtest.SocketDir(t)
	to := bound(t, filepath.Join(dir, "to"))
	r := fdtest.Receiver(t, to, fdpass.Options{MaxFDs: 1, From: true})
	long := bound(t, filepath.Join(dir, "a-rather-long-name"))
	short := bound(t, filepath.Join(dir, "b"))
	unbound := fdtest.Socket(t, syscall.AF_UNIX, syscall.SOCK_DGRAM)
	for _, c := range []struct {
		conn syscall.Conn
		want string
	}{{long, long.LocalAddr().String()}, {fdpass.Socket(unbound), ""}, {short, short.LocalAddr().String()}} {
		out := &fdpass.Outgoing{Payload: []byte("x"), To: to.LocalAddr().(*net.UnixAddr)}
		if _, err := sender(t, c.conn).SendMessage(out); err != nil {
			t.Fatal(err)
		}
		m, err := r.Recv(make([]byte, 1))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if from := m.From(); from != nil {
			got = from.Name
		}
		if got != c.want {
			t.Errorf("from %q, and it says %q", c.want, got)
		}
	}
}
