package ptrace

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// Attach begins to trace a process that runs, with all its threads. It needs
// Stop to end the trace before the process does.
func (t *Tracer) Attach(pid int) error {
	t.threads, t.processes = map[int]*Thread{}, map[int]*Process{}
	for {
		tids, err := threadsOf(pid)
		if err != nil {
			return err
		}
		before := len(t.threads)
		for _, tid := range tids {
			if t.threads[tid] != nil {
				continue
			}
			if err := t.seize(tid, 0); err != nil {
				return err
			}
		}
		if len(t.threads) == before { // what a traced thread starts is traced
			break
		}
	}
	if len(t.threads) == 0 {
		return syscall.ESRCH
	}
	if t.threads[pid] == nil {
		return fmt.Errorf("its first thread has ended, and the others cannot be looked into: %w", syscall.ESRCH)
	}
	return nil
}

// threadsOf lists the threads of a process.
func threadsOf(pid int) (tids []int, err error) {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if errors.Is(err, os.ErrNotExist) && syscall.Kill(pid, 0) == syscall.ESRCH {
		return nil, syscall.ESRCH // and not only /proc is missing
	}
	for _, e := range list {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids, err
}

// seize attaches to a thread and has it stop, unless it has just ended or is
// traced by us already.
func (t *Tracer) seize(tid, options int) error {
	err := request(reqSeize, tid, t.options()|options)
	switch {
	case errors.Is(err, syscall.ESRCH):
		return nil
	case errors.Is(err, syscall.EPERM):
		switch by := tracerOf(tid); by {
		case os.Getpid():
		case 0:
			if hasEnded(tid) {
				return nil
			}
			return err
		default:
			return fmt.Errorf("process %d traces it already: %w", by, err)
		}
	case err != nil:
		return err
	}
	t.thread(tid)
	if options&optExitkill != 0 {
		return nil // it stops by itself, at its exec
	}
	if err := request(reqInterrupt, tid, 0); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// hasEnded reports whether a thread is gone, or is a zombie, of which the kernel says
// EPERM. It can be one of a process that goes on: that its first thread, or any, has
// ended in this moment.
func hasEnded(tid int) bool {
	state := status(tid, "State")
	if state == "" { // or /proc does not show it
		return syscall.Kill(tid, 0) == syscall.ESRCH
	}
	return state[0] == 'Z' || state[0] == 'X'
}

// tracerOf is the process that traces a thread, or 0. TracerPid names the thread
// that does, and it can be any thread of that process.
func tracerOf(tid int) int {
	by, _ := strconv.Atoi(status(tid, "TracerPid"))
	if pid, err := strconv.Atoi(status(by, "Tgid")); err == nil {
		return pid
	}
	return by // a process that cannot be looked at
}

// Stop has Run let all threads go, and return. It may be called from anywhere.
// wake starts a process that ends at once: Run waits for nothing but processes.
func (t *Tracer) Stop(wake func() error) error {
	t.stopping.Store(true)
	return wake()
}

// interrupt has all threads stop, so that they can be let go, and reports whether
// they all are.
func (t *Tracer) interrupt() (done bool) {
	if !t.detaching {
		t.detaching = true
		for tid := range t.threads {
			if request(reqInterrupt, tid, 0) != nil { // it has ended
				delete(t.threads, tid)
			}
		}
	}
	return len(t.threads) == 0
}

// detach lets a thread go, which has stopped.
func (t *Tracer) detach(th *Thread, sig syscall.Signal) error {
	err := t.Handler.Detaching(th)
	delete(t.threads, th.TID)
	return errors.Join(err, request(reqDetach, th.TID, int(sig)))
}
