//go:build linux

package ledger

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// background calls f again and again until the returned function is called.
func background(f func()) (stop func()) {
	quit := make(chan bool)
	var group sync.WaitGroup
	fdtest.Go(&group, func() {
		for {
			select {
			case <-quit:
				return
			default:
				f()
			}
		}
	})
	return func() {
		close(quit)
		group.Wait()
	}
}

// signals sends the threads of this process signals that mean nothing to it.
func signals() (stop func()) {
	pid := syscall.Getpid()
	var threads []os.DirEntry
	count := 0
	return background(func() {
		if count++; count%1000 == 1 || len(threads) == 0 {
			threads, _ = os.ReadDir("/proc/self/task") // without a place in the table: none
		}
		if len(threads) > 0 {
			tid, _ := strconv.Atoi(threads[rand.IntN(len(threads))].Name())
			syscall.Tgkill(pid, tid, syscall.SIGURG) // which may have ended by now
		}
		time.Sleep(200 * time.Microsecond)
	})
}

// squeeze leaves, for a moment now and then, only a few places in the descriptor
// table.
func squeeze() (stop func()) {
	return background(func() {
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		var was syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was) != nil {
			return
		}
		next, err := syscall.Dup(0)
		if err != nil {
			return
		}
		syscall.Close(next)
		lower := was
		lower.Cur = uint64(next + rand.IntN(64))
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower)
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)
	})
}
