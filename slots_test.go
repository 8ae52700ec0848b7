//go:build linux

package fdpass_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

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
	m, err := fdpass.Accept(fdpass.AppendRights(nil, fds[0], -int(syscall.EMFILE), fds[1]), fdpass.Options{MaxFDs: 3})
	if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) || len(m.FDs()) != 0 || !m.Truncated() {
		t.Errorf("got %v, %v", m.FDs(), err)
	}
}

func TestAreTheDescriptorsBesideAnErrnoKept(t *testing.T) {
	fdtest.NoLeak(t)
	fds := dup(t, 2)
	m, err := fdpass.Accept(fdpass.AppendRights(nil, fds[0], -int(syscall.EACCES), fds[1]), fdpass.Options{MaxFDs: 3, KeepTruncated: true})
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
