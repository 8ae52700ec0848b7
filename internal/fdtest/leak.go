// Package fdtest has what the tests of all folders share: sockets to pass
// descriptors over, files to pass, processes to pass them to, bare system calls, and a
// check that no descriptor leaked.
//
// It imports package fdpass. So tests that use it are in packages that fdpass does not
// import: in fdpass_test, not in fdpass.
package fdtest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/fdpass/internal/closer"
)

// patience is how long NoLeak waits for what somebody else closes.
var patience = time.Minute

// NoLeak makes t fail if, at its end, this process has other descriptors open
// than now. Call it first: cleanups run last to first, so everything that is
// opened after it has been closed by the time it looks. A test that uses it
// must not be parallel with others, since a process has one table.
func NoLeak(t testing.TB) {
	t.Helper()
	startPoller()
	closer.Drain() // what a test before this one has left
	before := open(t)
	t.Cleanup(func() {
		t.Helper()
		closer.Drain()
		// A goroutine, the garbage collector or a child may need a moment to close something,
		// or longer on a busy machine.
		var diff []string
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if diff = compare(before, open(t)); len(diff) == 0 {
				return
			}
			if time.Now().After(end) {
				break
			}
		}
		patience = min(patience, time.Second) // for the tests that follow
		t.Errorf("descriptors before and after differ:\n\t%s", strings.Join(diff, "\n\t"))
	})
}

// Count returns how many descriptors this process has open.
func Count(t testing.TB) int {
	t.Helper()
	startPoller()
	closer.Drain()
	return len(open(t))
}

// startPoller makes Go open the descriptors that it polls with. Go opens them when they
// are first needed, and never closes them.
var startPoller = sync.OnceFunc(func() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
})

// open reads /proc/self/fd: number and what it is open on.
func open(t testing.TB) map[int]string {
	t.Helper()
	const dir = "/proc/self/fd"
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("counting descriptors needs /proc: %v", err)
	}
	fds := make(map[int]string, len(names))
	for _, e := range names {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		// The directory's own descriptor has been closed by now.
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			fds[n] = to
		}
	}
	return fds
}

func compare(before, after map[int]string) (diff []string) {
	for _, fd := range slices.Sorted(maps.Keys(after)) {
		if was, ok := before[fd]; !ok {
			diff = append(diff, fmt.Sprintf("leaked: %d is %s", fd, after[fd]))
		} else if was != after[fd] {
			diff = append(diff, fmt.Sprintf("changed: %d was %s and is %s", fd, was, after[fd]))
		}
	}
	for _, fd := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[fd]; !ok {
			diff = append(diff, fmt.Sprintf("closed by somebody else: %d was %s", fd, before[fd]))
		}
	}
	return diff
}
