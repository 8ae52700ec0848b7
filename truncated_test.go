//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestIsAFullTableToldFromTooManyDescriptors(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for name, opts := range map[string]fdpass.Options{
		"nothing else": {},
		"credentials":  {Credentials: true},
		"pidfd":        {PIDFD: true},
		"all":          {Credentials: true, PIDFD: true, Timestamp: true, SecurityLabel: true},
	} {
		for _, max := range []int{1, 2, 3, 8} {
			for free := range max {
				t.Run(fmt.Sprint(name, " ", free, " of ", max), func(t *testing.T) {
					if free > 0 {
						fdtest.SkipUnderGVisor(t, fdtest.GVisorTable)
					}
					fdtest.NoLeak(t)
					a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
					opts.MaxFDs = max
					r := fdtest.Receiver(t, fdpass.Socket(b), opts)
					fds := fdtest.FDs(t, max+1)
					fdtest.MustSend(t, a, "x", fds[:max]...)
					restore := fdtest.LimitTable(t, free)
					m, err := r.Recv(make([]byte, 1))
					restore()
					if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) ||
						len(m.FDs()) != 0 {
						t.Errorf("a full table: %v", err)
					}
					fdtest.MustSend(t, a, "x", fds...)
					m, err = r.Recv(make([]byte, 1))
					if !errors.Is(err, fdpass.ErrTruncated) || errors.Is(err, syscall.EMFILE) ||
						len(m.FDs()) != 0 {
						t.Errorf("too many: %v", err)
					}
				})
			}
		}
	}
}

func TestDoesAnOptionThatIsSwitchedOnLaterTakeTheRoomOfDescriptors(t *testing.T) {
	for _, max := range []int{1, 2, 8, 20} {
		t.Run(fmt.Sprint(max), func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
			r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: max})
			fdtest.SetOption(t, b, rawmsg.SO_PASSCRED, 1, "SO_PASSCRED")
			fdtest.MustSend(t, a, "x", fdtest.FDs(t, max)...)
			m, err := r.Recv(make([]byte, 1))
			if err != nil || len(m.FDs()) != max {
				t.Fatalf("%d descriptors: %v", len(m.FDs()), err)
			}
			m.Close()
		})
	}
}

func TestIsTheTableBlamedForWhatWasSwitchedOnLater(t *testing.T) {
	fdtest.NeedsLinux(t, "a control buffer of an exact size")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD})
	fdtest.SetOption(t, b, rawmsg.SO_PASSCRED, 1, "SO_PASSCRED")
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, rawmsg.SCM_MAX_FD)...)
	_, err := r.Recv(make([]byte, 1))
	if !errors.Is(err, fdpass.ErrTruncated) || errors.Is(err, syscall.EMFILE) {
		t.Error(err)
	}
}

func TestWhatIsKeptOfATruncatedMessage(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for name, opts := range map[string]fdpass.Options{
		"nothing else": {},
		"credentials":  {Credentials: true},
		"extra room":   {ExtraRoom: 100},
	} {
		for network, typ := range fdtest.Types {
			t.Run(name+" "+network, func(t *testing.T) {
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				opts.MaxFDs, opts.KeepTruncated = 3, true
				r := fdtest.Receiver(t, fdpass.Socket(b), opts)
				fds := fdtest.FDs(t, 7)
				fdtest.MustSend(t, a, "hello", fds...)
				m, err := r.Recv(make([]byte, 16))
				if err != nil || !m.Truncated() || string(m.Payload()) != "hello" || len(m.FDs()) != 3 {
					t.Fatalf("too many: %v, %v", m, err)
				}
				want, got := fdtest.IDs(t, fds[:3]...), fdtest.IDs(t, m.FDs()...)
				if fmt.Sprint(want) != fmt.Sprint(got) {
					t.Errorf("got %v, want %v", got, want)
				}
				m.Close()
				fdtest.SkipUnderGVisor(t, fdtest.GVisorTable)
				fdtest.MustSend(t, a, "hello", fds[:3]...)
				restore := fdtest.LimitTable(t, 2)
				m, err = r.Recv(make([]byte, 16))
				restore()
				if err != nil || !m.Truncated() || len(m.FDs()) != 2 {
					t.Fatalf("a full table: %v", err)
				}
				m.Close()
			})
		}
	}
}

func TestAreBothTruncationsTold(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for _, typ := range []int{syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET} {
		fdtest.NoLeak(t)
		a, b := fdtest.Pair(t, typ)
		r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 2})
		fds := fdtest.FDs(t, 3)
		fdtest.MustSend(t, a, "hello", fds...)
		m, err := r.Recv(make([]byte, 3))
		if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, fdpass.ErrPayloadTruncated) {
			t.Fatalf("both: %v", err)
		}
		if string(m.Payload()) != "hel" || len(m.FDs()) != 0 || !m.Truncated() || !m.PayloadTruncated() {
			t.Errorf("both: %q with %v", m.Payload(), m.FDs())
		}
		fdtest.MustSend(t, a, "hello", fds[:2]...)
		m, err = r.Recv(make([]byte, 3))
		if errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, fdpass.ErrPayloadTruncated) {
			t.Fatalf("only the payload: %v", err)
		}
		if string(m.Payload()) != "hel" || len(m.FDs()) != 0 || m.Truncated() || !m.PayloadTruncated() {
			t.Errorf("only the payload: %q with %v", m.Payload(), m.FDs())
		}
		m.Close()
	}
}

// dup duplicates a descriptor n times, for a message to own.
func dup(t *testing.T, n int) (fds []int) {
	t.Helper()
	fd := fdtest.FDs(t, 1)[0]
	for range n {
		d, err := syscall.Dup(fd)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, d)
	}
	return fds
}

// The rules hold even for what no kernel does, or not yet.

func TestDoesAnErrnoInASlotLeakTheDescriptorsBesideIt(t *testing.T) {
	fdtest.NoLeak(t)
	fds := dup(t, 2)
	control := fdpass.AppendRights(nil, fds[0], -int(syscall.EMFILE), fds[1])
	m, err := fdpass.Accept(control, fdpass.Options{MaxFDs: 3})
	if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) || len(m.FDs()) != 0 ||
		!m.Truncated() {
		t.Errorf("got %v, %v", m.FDs(), err)
	}
}

func TestAreTheDescriptorsBesideAnErrnoKept(t *testing.T) {
	fdtest.NoLeak(t)
	fds := dup(t, 2)
	control := fdpass.AppendRights(nil, fds[0], -int(syscall.EACCES), fds[1])
	m, err := fdpass.Accept(control, fdpass.Options{MaxFDs: 3, KeepTruncated: true})
	if err != nil || !slices.Equal(m.FDs(), fds) || !m.Truncated() {
		t.Errorf("got %v, %v", m.FDs(), err)
	}
	m.Close()
}

func TestDoesAMalformedBufferLeakTheDescriptorsBeforeIt(t *testing.T) {
	fdtest.NoLeak(t)
	control := fdpass.AppendRights(nil, dup(t, 2)...)
	control = append(control, make([]byte, fdpass.CmsgSpace(4))...) // a cmsg_len of 0
	m, err := fdpass.Accept(control, fdpass.Options{MaxFDs: 3})
	if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, fdpass.ErrMalformed) || len(m.FDs()) != 0 {
		t.Errorf("got %v, %v", m.FDs(), err)
	}
}
