package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// usage is what a process has, when nothing is going on.
type usage struct {
	fds        int
	goroutines int
	heap       int64 // bytes of live objects
	rss        int64 // bytes of memory
}

// The heap and the memory of the process may differ by this much, since the runtime
// has caches of its own, and gives memory back at any time.
const (
	heapSlack = 1 << 20
	rssSlack  = 16 << 20
)

// measure looks at this process.
func measure() (u usage, err error) {
	debug.FreeOSMemory() // collects twice, so that what a sync.Pool has is gone, too
	debug.FreeOSMemory()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return u, err
	}
	u.fds = len(names) - 1 // the directory's own
	u.goroutines = goroutines()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap = int64(m.HeapAlloc)
	u.rss, err = residentSize()
	return u, err
}

// goroutines returns how many there are when those that have nothing more to do are
// gone. Who waits for a goroutine's work does not wait for its end.
func goroutines() int {
	n := runtime.NumGoroutine()
	for range 50 {
		time.Sleep(10 * time.Millisecond)
		n = min(n, runtime.NumGoroutine())
	}
	return n
}

func residentSize() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, resident int64
	_, err = fmt.Fscan(bytes.NewReader(b), &size, &resident)
	return resident * int64(os.Getpagesize()), err
}

// check compares the end with the start.
func (start usage) check(end usage) error {
	if end.fds != start.fds || end.goroutines != start.goroutines ||
		end.heap > start.heap+heapSlack || end.rss > start.rss+rssSlack {
		return fmt.Errorf("at the start %v, at the end %v", start, end)
	}
	return nil
}

func (u usage) String() string {
	return fmt.Sprintf("%d descriptors, %d goroutines, %d KiB heap, %d KiB resident",
		u.fds, u.goroutines, u.heap>>10, u.rss>>10)
}
