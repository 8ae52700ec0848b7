package fdtest

import (
	"os"
	"runtime"
	"syscall"
)

// OffTheMainThread calls f in a thread whose number is not that of the process.
func OffTheMainThread(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if syscall.Gettid() == os.Getpid() {
			OffTheMainThread(f) // in another thread, while this goroutine has this one
		} else {
			f()
		}
	}()
	<-done
}
