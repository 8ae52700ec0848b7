//go:build linux

package fdpass

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// made is a Message as if the kernel had written this control buffer.
func made(control []byte, flags int32) *Message {
	m := &Message{message: newMessage()}
	h := rawmsg.Msghdr{Controllen: uintptr(len(control)), Flags: flags}
	m.set(&h, rawmsg.SOCK_STREAM, []byte("hello"), control, nil)
	return m
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

// What kernels do not do yet, or should not: the rules hold all the same.

func TestDoesAnErrnoInASlotLeakTheDescriptorsBesideIt(t *testing.T) {
	fdtest.NoLeak(t)
	fds := dup(t, 2)
	m := made(AppendRights(nil, fds[0], -int(syscall.EMFILE), fds[1]), 0)
	err := m.accept(3, &Options{MaxFDs: 3})
	if !errors.Is(err, ErrTruncated) || !errors.Is(err, syscall.EMFILE) || len(m.FDs()) != 0 || !m.Truncated() {
		t.Errorf("got %v, %v", m.FDs(), err)
	}
}

func TestAreTheDescriptorsBesideAnErrnoKept(t *testing.T) {
	fdtest.NoLeak(t)
	fds := dup(t, 2)
	m := made(AppendRights(nil, fds[0], -int(syscall.EACCES), fds[1]), 0)
	err := m.accept(3, &Options{MaxFDs: 3, KeepTruncated: true})
	if err != nil || !slices.Equal(m.FDs(), fds) || !m.Truncated() {
		t.Errorf("got %v, %v", m.FDs(), err)
	}
	m.Close()
}

func TestDoesAMalformedBufferLeakTheDescriptorsBeforeIt(t *testing.T) {
	fdtest.NoLeak(t)
	control := AppendRights(nil, dup(t, 2)...)
	control = append(control, make([]byte, CmsgSpace(4))...) // a cmsg_len of 0
	m := made(control, 0)
	err := m.accept(3, &Options{MaxFDs: 3})
	if !errors.Is(err, ErrTruncated) || !errors.Is(err, ErrMalformed) || len(m.FDs()) != 0 {
		t.Errorf("got %v, %v", m.FDs(), err)
	}
}

func TestIsALengthBeyondTheBufferBelieved(t *testing.T) {
	m := newMessage()
	h := rawmsg.Msghdr{Controllen: ^uintptr(0), Namelen: ^uint32(0)}
	m.set(&h, rawmsg.SOCK_DGRAM, nil, make([]byte, 8), make([]byte, 8))
	if len(m.control) != 8 || len(m.name) != 8 {
		t.Errorf("%d bytes of control messages, %d of a name", len(m.control), len(m.name))
	}
}
