package fdtest

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Signals sends the calling thread one signal after the other until stop is called,
// and counts them. The signal is SIGURG, which means nothing to Go programs, and for
// which the runtime has a handler.
func Signals(t testing.TB) (count *atomic.Int32, stop func()) {
	t.Helper()
	runtime.LockOSThread()
	pid, tid := syscall.Getpid(), syscall.Gettid()
	count = new(atomic.Int32)
	quit, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Millisecond):
			}
			if err := syscall.Tgkill(pid, tid, syscall.SIGURG); err != nil {
				t.Error("tgkill:", err)
			}
			count.Add(1)
		}
	}()
	return count, func() {
		close(quit)
		<-done
		runtime.UnlockOSThread()
	}
}

// AfterSignals calls f when 30 more signals have been sent.
func AfterSignals(count *atomic.Int32, f func()) (wait func()) {
	done := make(chan bool)
	from := count.Load()
	go func() {
		defer close(done)
		for count.Load() < from+30 {
			time.Sleep(time.Millisecond)
		}
		f()
	}()
	return func() { <-done }
}
