package fdtest

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// OffTheMainThread calls f in a thread whose number is not that of the process. The
// thread ends with f, so the kernel lets go what it traces.
func OffTheMainThread(f func()) {
	ends := make(chan int, 1)
	go func() {
		runtime.LockOSThread()
		tid := syscall.Gettid()
		if tid == os.Getpid() {
			OffTheMainThread(f) // in another thread, while this goroutine has this one
			runtime.UnlockOSThread()
			close(ends)
			return
		}
		defer func() { ends <- tid }()
		f()
	}()
	for tid := <-ends; tid != 0 && syscall.Tgkill(os.Getpid(), tid, 0) == nil; {
		time.Sleep(time.Millisecond)
	}
}
