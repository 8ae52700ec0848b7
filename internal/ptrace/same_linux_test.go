package ptrace

import (
	"os"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

func TestAreDuplicatesKnownToBeTheSame(t *testing.T) {
	fdtest.NoLeak(t)
	var fds [3]int
	for i := range 2 {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
		fds[i] = fd
	}
	dup, err := syscall.Dup(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(dup)
	fds[2] = dup
	if _, errno := kcmp(os.Getpid(), fds[0], fds[2]); errno == syscall.ENOSYS || errno == syscall.EPERM {
		t.Skipf("needs a kernel with CONFIG_KCMP that lets kcmp(2) through: %v", errno)
	}
	p := &Process{PID: os.Getpid()}
	if !p.Same(fds[0], fds[2]) || !p.Same(fds[2], fds[0]) {
		t.Error("a duplicate is another file")
	}
	if p.Same(fds[0], fds[1]) {
		t.Error("what was opened twice is the same")
	}
	if p.Same(fds[0], 987) || p.Same(987, fds[0]) {
		t.Error("what is not open is the same")
	}
}
