package fdtest

import (
	"syscall"
	"testing"
)

// LimitTable leaves room for so many more descriptors in this process, by
// RLIMIT_NOFILE, until the function that it returns is called, or the test
// ends.
func LimitTable(t testing.TB, free int) (restore func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	limit := was
	limit.Cur = uint64(nextNumber(t, free))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	restore = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(restore)
	return restore
}

// nextNumber returns the number that a new descriptor would get if skip others were
// opened before it.
func nextNumber(t testing.TB, skip int) int {
	t.Helper()
	fd, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if skip == 0 {
		return fd
	}
	return nextNumber(t, skip-1)
}
