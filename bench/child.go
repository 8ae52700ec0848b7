package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Every way of passing descriptors runs in a process of its own, with a table
// of descriptors of its own, and stays there for the whole run. It has a
// stream socket as descriptor 3 and takes orders from its standard input:
//
//	recv N M    receive the M messages of N descriptors that are in the queue, then close all
//	both N M    the same, but close each message's descriptors before the next message
//	send N M    send M messages of N descriptors, for which the queue has room
//
// It answers each with a line of four numbers: the nanoseconds that the order
// took, those that the closing after recv took, and Go's count of allocations
// and of allocated bytes, before the closing. Nothing ever waits: the queue is
// filled before the order is given, and emptied after it.

const (
	childSocket = 3
	batchSize   = 64
	maxKept     = 1 << 16
)

// way is how a contender does its work for one number of descriptors. Each
// function handles unit messages, 1 where it is left 0.
type way struct {
	unit      int
	recvKeep  func() error // receives and keeps what came
	recvClose func() error // receives and closes what came
	closeKept func() error
	send      func() error
}

// child is the role of a contender that is written in Go.
func child(args []string) error {
	open, ok := contenders[args[0]]
	if !ok {
		return fmt.Errorf("no contender %q", args[0])
	}
	fds, err := openNull(253)
	if err != nil {
		return err
	}
	make, err := open(childSocket)
	if err != nil {
		return err
	}
	ways := map[int]*way{}
	var order string
	var nfds, messages int
	for in := bufio.NewReader(os.Stdin); ; {
		if _, err := fmt.Fscan(in, &order, &nfds, &messages); err != nil {
			return nil // the end of the run
		}
		if ways[nfds] == nil {
			if ways[nfds], err = make(fds[:nfds]); err != nil {
				return err
			}
		}
		if err := ways[nfds].obey(order, messages); err != nil {
			return fmt.Errorf("%s: %s %d descriptors: %w", args[0], order, nfds, err)
		}
	}
}

func (w *way) obey(order string, messages int) error {
	f := map[string]func() error{"recv": w.recvKeep, "both": w.recvClose, "send": w.send}[order]
	unit := max(w.unit, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range messages / unit {
		if err := f(); err != nil {
			return err
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	start = time.Now()
	if order == "recv" {
		if err := w.closeKept(); err != nil {
			return err
		}
	}
	closing := time.Since(start)
	_, err := fmt.Println(took.Nanoseconds(), closing.Nanoseconds(),
		after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc)
	return err
}

// openNull opens /dev/null n times, so that there are n files to pass.
func openNull(n int) ([]int, error) {
	fds := make([]int, n)
	for i := range fds {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		fds[i] = fd
	}
	return fds, nil
}
