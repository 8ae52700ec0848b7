//go:build linux

package facts

import (
	"io"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// The status flag is one that a program may also switch off again.
func TestAreThePositionAndTheStatusFlagsShared(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	mine := fdtest.FDs(t, 1)[0]
	fdtest.MustSend(t, a, "x", mine)
	r := fdtest.Recvmsg(t, b, 1, 64, 0)
	if len(r.FDs) != 1 || r.FDs[0] == mine {
		t.Fatalf("sent %d, received %v", mine, r.FDs)
	}
	its := r.FDs[0]

	if _, err := syscall.Seek(its, 3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if at, err := syscall.Seek(mine, 0, io.SeekCurrent); at != 3 || err != nil {
		t.Errorf("the position is %d, %v, and not 3", at, err)
	}
	if nonblocking(t, mine) {
		t.Fatal("nonblocking from the start")
	}
	if err := syscall.SetNonblock(its, true); err != nil {
		t.Fatal(err)
	}
	if !nonblocking(t, mine) {
		t.Error("O_NONBLOCK is not shared")
	}
}

func nonblocking(t *testing.T, fd int) bool {
	t.Helper()
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	return flags&syscall.O_NONBLOCK != 0
}
