//go:build darwin || dragonfly || freebsd || netbsd || openbsd || (linux && fdpass_portable)

package fdpass

import (
	"context"
	"encoding/binary"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass/rawmsg"
)

// control makes a control message of this system with any data and any length.
func control(typ int, length int, data ...byte) []byte {
	b := make([]byte, syscall.CmsgSpace(len(data)))
	h := syscall.Cmsghdr{Level: syscall.SOL_SOCKET, Type: int32(typ)}
	h.SetLen(length)
	binary.Encode(b, binary.NativeEndian, &h)
	copy(b[syscall.CmsgLen(0):], data)
	return b
}

func TestAreDescriptorsFoundInAnyControlBuffer(t *testing.T) {
	full := syscall.CmsgLen
	two, three := syscall.UnixRights(3, 4), syscall.UnixRights(5)
	other := control(syscall.SCM_RIGHTS+1, full(12), make([]byte, 12)...)
	short, rest := control(syscall.SCM_RIGHTS, 3), make([]byte, full(0)-1)
	odd := control(syscall.SCM_RIGHTS, full(5), 5, 0, 0, 0, 9)
	six := control(syscall.SCM_RIGHTS, full(6), 5, 0, 0, 0, 9, 9)
	cut := control(syscall.SCM_RIGHTS, full(400), 6, 0, 0, 0, 7, 0, 0, 0)
	for name, c := range map[string]struct {
		b     []byte
		open  bool // the descriptors of a message that is cut
		want  []int
		whole bool
	}{
		"nothing":                       {nil, false, nil, true},
		"a message":                     {two, false, []int{3, 4}, true},
		"without its padding":           {syscall.UnixRights(3)[:full(4)], false, []int{3}, true},
		"two messages":                  {slices.Concat(two, three), false, []int{3, 4, 5}, true},
		"after another one":             {slices.Concat(other, two), false, []int{3, 4}, true},
		"5 bytes":                       {slices.Concat(odd, two), false, []int{5, 3, 4}, true},
		"6 bytes":                       {slices.Concat(six, two), false, []int{5, 3, 4}, true},
		"a negative number":             {syscall.UnixRights(3, -24, 4), false, []int{3, 4}, true},
		"cut, and open":                 {slices.Concat(two, cut), true, []int{3, 4, 6, 7}, false},
		"cut, and closed by the kernel": {slices.Concat(two, cut), false, []int{3, 4}, false},
		"cut in a number":               {cut[:full(6)], true, []int{6}, false},
		"shorter than a header":         {slices.Concat(two, short), true, []int{3, 4}, false},
		"a rest":                        {slices.Concat(two, rest), false, []int{3, 4}, true},
	} {
		fds, whole := parseRights(c.b, c.open)
		if !slices.Equal(fds, c.want) || whole != c.whole {
			t.Errorf("%s: got %v, whole %v, want %v, %v", name, fds, whole, c.want, c.whole)
		}
	}
}

func FuzzDoesAnyControlBufferPanic(f *testing.F) {
	f.Add(syscall.UnixRights(3, 4, 5))
	f.Add(control(syscall.SCM_RIGHTS, 400, 1, 2, 3, 4, 5))
	f.Add(control(syscall.SCM_RIGHTS, syscall.SizeofCmsghdr))
	f.Fuzz(func(t *testing.T, b []byte) {
		certain, whole := parseRights(b, false)
		all, _ := parseRights(b, true)
		if !slices.Equal(all[:len(certain)], certain) || len(all) > len(b)/4 {
			t.Errorf("%v, and with those that are cut %v", certain, all)
		}
		if whole && !slices.Equal(all, certain) {
			t.Errorf("nothing was cut: %v, %v", certain, all)
		}
	})
}

// On the other systems recvmsg fails if the table is full. Linux has no such error,
// so this test makes the header as a failed call leaves it.
func TestIsACallThatFailedForAFullTableATruncatedMessage(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.EMSGSIZE: true, syscall.EMFILE: true, syscall.EAGAIN: false, syscall.ECONNRESET: false,
	} {
		if noPlace(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
	for _, typ := range []int{rawmsg.SOCK_STREAM, rawmsg.SOCK_SEQPACKET, rawmsg.SOCK_DGRAM} {
		m, buffer := &Message{message: newMessage()}, make([]byte, rightsRoom)
		h := msghdr{control: buffer}
		h.set(nil, nil, rawmsg.MSG_CTRUNC)
		m.set(&h, typ, nil, buffer, nil)
		err := m.accept(3, &Options{})
		if !errors.Is(err, ErrTruncated) || !errors.Is(err, syscall.EMFILE) || m.isEnd() {
			t.Errorf("type %d: %v, the end: %v", typ, err, m.isEnd())
		}
	}
}

// More descriptors than Linux lets through in one message.
func TestAreDescriptorsClosedForWhichTheHeaderHasNoRoom(t *testing.T) {
	var fds []int
	for range rawmsg.SCM_MAX_FD + 2 {
		fd, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	m, buffer := &Message{message: newMessage()}, make([]byte, commonRoom)
	h := msghdr{control: buffer}
	h.set(slices.Clone(fds), nil, 0)
	m.set(&h, rawmsg.SOCK_STREAM, []byte("x"), buffer, nil)
	if err := m.accept(rawmsg.SCM_MAX_FD, &Options{KeepTruncated: true}); err != nil || !m.Truncated() {
		t.Fatal(err, m.Truncated())
	}
	if !slices.Equal(m.FDs(), fds[:rawmsg.SCM_MAX_FD]) {
		t.Errorf("kept %d", len(m.FDs()))
	}
	for _, fd := range fds[rawmsg.SCM_MAX_FD:] {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != syscall.EBADF {
			t.Errorf("%d is open: %v", fd, err)
		}
	}
	m.Close()
}

// A receive that waits must not hold the lock, since nobody could start a program then.
func TestCanAProgramBeStartedDuringAReceive(t *testing.T) {
	fds, err := socketpair(syscall.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := RecvFDs(fds[1], 1)
		done <- err
	}()
	for range 3 {
		out, err := exec.Command("echo", "started").Output()
		if err != nil || strings.TrimSpace(string(out)) != "started" {
			t.Errorf("%q, %v", out, err)
		}
	}
	if err := SendFDs(fds[0]); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	CloseFDs(fds[:])
}

// Each of these functions returns an error that says so.
func TestWhatDoesOnlyLinuxHave(t *testing.T) {
	a, b, err := Pair("unix")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	option := func(o Options) error { _, err := NewReceiver(b, o); return err }
	r, err := NewReceiver(b, Options{MaxFDs: 1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSender(a)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Credentials":       func() error { return option(Options{Credentials: true}) },
		"PIDFD":             func() error { return option(Options{PIDFD: true}) },
		"SecurityLabel":     func() error { return option(Options{SecurityLabel: true}) },
		"Timestamp":         func() error { return option(Options{Timestamp: true}) },
		"QueuedBytes":       func() error { return option(Options{QueuedBytes: true}) },
		"RefuseFDs":         func() error { return option(Options{RefuseFDs: true}) },
		"Peek":              func() error { _, err := r.Peek(make([]byte, 1)); return err },
		"PeerCredentials":   func() error { _, err := PeerCredentials(b); return err },
		"PeerPIDFD":         func() error { _, err := PeerPIDFD(b); return err },
		"PeerSecurityLabel": func() error { _, err := PeerSecurityLabel(b); return err },
		"PeerGroups":        func() error { _, err := PeerGroups(b); return err },
		"sending credentials": func() error {
			_, err := s.SendMessage(&Outgoing{Payload: []byte("x"), Credentials: &Credentials{}})
			return err
		},
	} {
		if err := call(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// It closes both.
	if err := Relay(context.Background(), a, b); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Relay: %v", err)
	}
}

// Package syscall would send a byte of its own with them, of which the receiver
// could not know.
func TestAreDescriptorsWithoutPayloadSent(t *testing.T) {
	for _, network := range []string{"unix", "unixgram", "unixpacket"} {
		a, b, err := Pair(network)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		defer b.Close()
		if _, err := SendMsgFDs(a, nil, 0); !errors.Is(err, ErrNoPayload) {
			t.Errorf("%s: %v", network, err)
		}
	}
}
