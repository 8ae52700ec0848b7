package fdtest

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"example.com/fdpass/internal/lines"
	"example.com/fdpass/rawmsg"
)

// PIDFDPair returns a pair whose second socket gets pidfds. Without SO_PASSPIDFD the
// test is skipped.
func PIDFDPair(t testing.TB) (a, b int) {
	t.Helper()
	SkipUnderQemuUser(t, QemuOptions)
	a, b = Pair(t, syscall.SOCK_STREAM)
	SetOption(t, b, rawmsg.SO_PASSPIDFD, 1, "SO_PASSPIDFD, which came with Linux 6.5")
	return a, b
}

// PIDOf returns the process that a pidfd is of, -1 where it is gone.
func PIDOf(t testing.TB, pidfd int) int {
	t.Helper()
	info, err := os.ReadFile(fmt.Sprint("/proc/self/fdinfo/", pidfd))
	if err != nil {
		t.Fatal(err)
	}
	for line := range lines.Of(string(info)) {
		var pid int
		if _, err := fmt.Sscanf(line, "Pid: %d", &pid); err == nil {
			return pid
		}
	}
	t.Fatalf("descriptor %d is no pidfd: %q", pidfd, info)
	return 0
}
