package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"example.com/fdpass/internal/ptrace"
)

// usesIoUring says once of a program that not all of its messages are seen. A
// program that asked for io_uring in vain does without.
func (w *watcher) usesIoUring(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result, u *underWay) error {
	if res.Error {
		return nil
	}
	return w.announceIoUring(w.record(th, c, res, u), int(min(res.Value, math.MaxInt32)))
}

// hasIoUring says the same of a process that had its ring before it was attached
// to.
func (w *watcher) hasIoUring(pid int) error {
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if is, err := os.Readlink(dir + e.Name()); err != nil || is != "anon_inode:[io_uring]" {
			continue
		}
		fd, _ := strconv.Atoi(e.Name())
		r := &traceRecord{
			Time: timeStamp(time.Now()), PID: pid, TID: pid, Program: ptrace.Name(pid),
			Call: "io_uring_setup", Flags: []string{}, Result: int64(fd), Controls: []traceControl{},
		}
		return w.announceIoUring(r, fd)
	}
	return nil
}

func (w *watcher) announceIoUring(r *traceRecord, fd int) error {
	if w.lint || w.uring[r.PID] {
		return nil
	}
	w.uring[r.PID] = true
	r.FD = fd
	r.Note = fmt.Sprintf("%s uses io_uring; its messages there are not seen", r.Program)
	return w.write(r)
}
