package fdtest

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"syscall"

	"example.com/fdpass"
)

// underGVisor looks into the kernel's log, which begins with the same line in
// every sandbox. On Linux reading it may be forbidden.
var underGVisor = sync.OnceValue(func() bool {
	const readAll = 3 // SYSLOG_ACTION_READ_ALL: syslog(2)
	log := make([]byte, 64<<10)
	n, err := syscall.Klogctl(readAll, log)
	return err == nil && bytes.Contains(log[:max(n, 0)], []byte("Starting gVisor..."))
})

// Process returns c with the process that this process sent it as. gVisor gives
// the number of the sending thread instead.
func Process(c fdpass.Credentials) fdpass.Credentials {
	if _, err := os.Stat(fmt.Sprint("/proc/self/task/", c.PID)); err == nil && underGVisor() {
		c.PID = int32(os.Getpid())
	}
	return c
}
