//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// value is a field of Options, and what a message has to say when it is on.
type value struct {
	name  string
	opts  fdpass.Options
	check func(t *testing.T, m *fdpass.Message)
}

var values = []value{
	{"nothing", fdpass.Options{}, func(t *testing.T, m *fdpass.Message) {
		if _, err := m.PIDFD(); err != fdpass.ErrNoPIDFD {
			t.Errorf("a pidfd: %v", err)
		}
		if c, ok := m.Credentials(); ok {
			t.Errorf("credentials: %v", c)
		}
	}},
	{"Credentials", fdpass.Options{Credentials: true}, func(t *testing.T, m *fdpass.Message) {
		want := fdpass.Credentials{
			PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
		}
		if c, ok := m.Credentials(); !ok || fdtest.Process(c) != want {
			t.Errorf("got %v, %v, want %v", c, ok, want)
		}
	}},
	{"PIDFD", fdpass.Options{PIDFD: true}, func(t *testing.T, m *fdpass.Message) {
		fd, err := m.PIDFD()
		if err != nil || fdtest.PIDOf(t, fd) != os.Getpid() || !fdtest.CloseOnExec(t, fd) {
			t.Errorf("got %d, %v", fd, err)
		}
	}},
	{"Security", fdpass.Options{SecurityLabel: true}, func(t *testing.T, m *fdpass.Message) {
		if label, ok := m.SecurityLabel(); ok && label == "" {
			t.Error("an empty label") // none is fine: most kernels have no module for it
		}
	}},
	{"Timestamps", fdpass.Options{Timestamp: true}, isRecent},
	{"Inq", fdpass.Options{QueuedBytes: true}, func(t *testing.T, m *fdpass.Message) {
		if n, ok := m.QueuedBytes(); !ok || n != 0 {
			t.Errorf("%d bytes left, %v", n, ok)
		}
	}},
}

// isFor reports whether the option is for this type of socket.
func (v value) isFor(typ int) bool {
	stream := typ == syscall.SOCK_STREAM
	return !(v.opts.Timestamp && stream || v.opts.QueuedBytes && !stream)
}

// isRecent checks that a message was sent in this hour.
func isRecent(t *testing.T, m *fdpass.Message) {
	t.Helper()
	if at, ok := m.Timestamp(); !ok || time.Since(at).Abs() > time.Hour {
		t.Errorf("sent at %v, %v", at, ok)
	}
}

func TestDoesEachOptionLeaveRoomForTheDescriptors(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for network, typ := range fdtest.Types {
		for _, v := range values {
			for _, max := range []int{0, 1, 2, 7} {
				if !v.isFor(typ) {
					continue
				}
				t.Run(fmt.Sprint(network, " ", v.name, " ", max), func(t *testing.T) {
					if v.opts.QueuedBytes {
						fdtest.SkipUnderGVisor(t, fdtest.GVisorOptions)
					}
					fdtest.NoLeak(t)
					a, b := fdtest.Pair(t, typ)
					v.opts.MaxFDs = max
					r := fdtest.Receiver(t, fdpass.Socket(b), v.opts)
					fds := fdtest.FDs(t, max+1)

					fdtest.MustSend(t, a, "hello", fds[:max]...)
					m, err := r.Recv(make([]byte, 16))
					if err != nil || string(m.Payload()) != "hello" || len(m.FDs()) != max || m.Truncated() {
						t.Fatalf("got %v", err)
					}
					v.check(t, m)

					fdtest.MustSend(t, a, "hello", fds...)
					m, err = r.Recv(make([]byte, 16))
					if !errors.Is(err, fdpass.ErrTruncated) || errors.Is(err, syscall.EMFILE) {
						t.Fatalf("one descriptor too many: %v", err)
					}
					if string(m.Payload()) != "hello" || len(m.FDs()) != 0 || !m.Truncated() {
						t.Errorf("one descriptor too many: %q with %v", m.Payload(), m.FDs())
					}
				})
			}
		}
	}
}

func TestDoAllOptionsGoTogether(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			stream := typ == syscall.SOCK_STREAM
			r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{
				MaxFDs: rawmsg.SCM_MAX_FD, From: true,
				Credentials: true, PIDFD: true, SecurityLabel: true, Timestamp: !stream, QueuedBytes: stream,
			})
			fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 253)...)
			m, err := r.Recv(make([]byte, 16))
			if err != nil || len(m.FDs()) != 253 {
				t.Fatalf("got %v", err)
			}
			defer m.Close()
			for _, v := range values[1:] {
				if v.isFor(typ) {
					v.check(t, m)
				}
			}
		})
	}
}

func TestWhatIsSaidOfAnOptionThatIsNotThere(t *testing.T) {
	fdtest.NoLeak(t)
	for network, typ := range fdtest.Types {
		_, b := fdtest.Pair(t, typ)
		for _, v := range append(values, value{"RefuseFDs", fdpass.Options{RefuseFDs: true}, nil}) {
			_, err := fdpass.NewReceiver(fdpass.Socket(b), v.opts)
			_, berr := fdpass.NewBatchReceiver(fdpass.Socket(b), 1, v.opts)
			if (err == nil) != (berr == nil) {
				t.Errorf("%s %s: %v, and for a batch %v", network, v.name, err, berr)
			}
			if !v.isFor(typ) && err == nil || err != nil && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s %s: %v", network, v.name, err)
			} else if err != nil && v.isFor(typ) {
				t.Logf("%s %s: %v", network, v.name, err)
			}
		}
	}
}

func TestAreAllFormsOfTimestampsRead(t *testing.T) {
	fdtest.NeedsLinux(t, "a timestamp")
	for _, typ := range []int{syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET} {
		for _, f := range fdtest.TimestampForms {
			t.Run(fmt.Sprint(f.Name, " ", typ), func(t *testing.T) {
				if f.Option != rawmsg.SO_TIMESTAMP_OLD {
					fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
				}
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				fdtest.SkipUnderGVisor(t, fdtest.GVisorOptions)
				fdtest.SetOption(t, b, f.Option, 1, f.Name)
				r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1})
				fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
				m, err := r.Recv(make([]byte, 1))
				if err != nil || len(m.FDs()) != 1 {
					t.Fatal(err)
				}
				isRecent(t, m)
				m.Close()
			})
		}
	}
}

func TestDoInheritedOptionsPushADescriptorOut(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
		t.Run(fmt.Sprint(typ), func(t *testing.T) {
			fdtest.NoLeak(t)
			l, connect := fdtest.Listen(t, typ)
			fdtest.Receiver(t, fdpass.Socket(l), fdpass.Options{
				Credentials: true, PIDFD: true, SecurityLabel: true,
			})
			a := connect()
			b := fdtest.Accept(t, l)
			fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
			r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1})
			m, err := r.Recv(make([]byte, 1))
			if err != nil || len(m.FDs()) != 1 {
				t.Fatal(err)
			}
			values[1].check(t, m)
			values[2].check(t, m)
			m.Close()

			// The functions for one message set no options, and lose no descriptor either.
			fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
			fds, err := fdpass.RecvFDs(b, 1)
			if err != nil || len(fds) != 1 {
				t.Fatal(fds, err)
			}
			fdtest.Close(t, fds...)
		})
	}
}

func TestAreDescriptorsRefused(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			r := fdtest.Receiver(t, b, fdpass.Options{RefuseFDs: true})
			_, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...)
			if !errors.Is(err, syscall.EPERM) {
				t.Errorf("the sender: %v, want EPERM", err)
			}
			if _, err := fdpass.SendMsg(a, []byte("y")); err != nil {
				t.Error(err)
			}
			if m, err := r.Recv(make([]byte, 16)); err != nil || string(m.Payload()) != "y" {
				t.Errorf("the receiver: %v", err)
			}
		})
	}
}

// Somebody else switches options on, when there are messages in the queue already.

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
				if cred, ok := m.Credentials(); !ok || fdtest.Process(cred) != want.cred {
					t.Errorf("%s: %v, %v, want %v", want.payload, cred, ok, want.cred)
				}
				m.Close()
			}
		})
	}
}

func TestIsRoomMadeForAnotherReceiversInq(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorOptions)
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
	// SO_INQ cannot be read, so a caller that does not ask for it has to make room.
	without := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{
		MaxFDs: 1, ExtraRoom: fdtest.ByWord(24, 16),
	})
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
