package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// Package syscall lacks these: include/uapi/linux/ptrace.h.
const (
	ptraceOExitkill = 1 << 20 // the program does not outlive us
	sysgood         = 0x80    // what PTRACE_O_TRACESYSGOOD adds to SIGTRAP
)

const traceOptions = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACEEXEC |
	syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK | ptraceOExitkill

// run runs the program to its end and returns its exit status.
func (t *tracer) run(args []string) (status int, err error) {
	if len(args) == 0 {
		return 0, usagef("trace: no program to run")
	}
	var out io.Writer = os.Stderr
	if t.file != "" {
		f, err := os.Create(t.file)
		if err != nil {
			return 0, fmt.Errorf("trace: %w", err)
		}
		defer f.Close()
		out = f
	}
	// To ptrace, the thread that started the program is its parent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The terminal sends its signals to the program as well, which decides.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGQUIT)
	root, err := startTraced(args)
	if err != nil {
		return 0, err
	}
	w := watcher{out: out, verbose: t.verbose, root: root, calls: map[int]*call{}}
	return w.watch()
}

// startTraced starts a program, which stops at its first instruction.
func startTraced(args []string) (pid int, err error) {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return 0, fmt.Errorf("trace: %w", err)
	}
	pid, err = syscall.ForkExec(path, args, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, fmt.Errorf("trace: %s: %w", path, err)
	}
	var ws syscall.WaitStatus
	if _, err := wait(pid, &ws); err != nil {
		return 0, err
	}
	if !ws.Stopped() {
		return 0, fmt.Errorf("trace: %s did not start: status %#x", path, ws)
	}
	if err := syscall.PtraceSetOptions(pid, traceOptions); err != nil {
		return 0, fmt.Errorf("trace: %w", os.NewSyscallError("ptrace", err))
	}
	return pid, resume(pid, 0)
}

// wait waits for one process or thread, or with -1 for any, to stop or end.
func wait(pid int, ws *syscall.WaitStatus) (int, error) {
	for {
		pid, err := syscall.Wait4(pid, ws, syscall.WALL, nil)
		if err != syscall.EINTR {
			return pid, os.NewSyscallError("wait4", err)
		}
	}
}

// resume lets a thread go on up to its next system call, and gives it the signal
// that it was to get, if it is not 0.
func resume(pid int, sig syscall.Signal) error {
	err := syscall.PtraceSyscall(pid, int(sig))
	if err == syscall.ESRCH { // killed meanwhile; wait will tell
		return nil
	}
	return os.NewSyscallError("ptrace", err)
}

// watcher follows all threads of a program.
type watcher struct {
	info    [88]byte // of the system call at which a thread has stopped
	out     io.Writer
	verbose bool
	root    int           // the process that was started
	calls   map[int]*call // what each known thread is in the middle of, or nil
	status  int           // of root, when it has ended
}

// watch follows the program until all of its processes have ended.
func (w *watcher) watch() (status int, err error) {
	w.calls[w.root] = nil
	for {
		var ws syscall.WaitStatus
		pid, err := wait(-1, &ws)
		if errors.Is(err, syscall.ECHILD) {
			return w.status, nil
		}
		if err != nil {
			return 0, err
		}
		if err := w.changed(pid, ws); err != nil {
			return 0, fmt.Errorf("trace: process %d: %w", pid, err)
		}
	}
}

// changed deals with a thread that has stopped or ended.
func (w *watcher) changed(pid int, ws syscall.WaitStatus) error {
	if !ws.Stopped() {
		delete(w.calls, pid)
		switch {
		case pid == w.root && ws.Signaled():
			w.status = 128 + int(ws.Signal())
		case pid == w.root:
			w.status = ws.ExitStatus()
		}
		return nil
	}
	_, known := w.calls[pid]
	if !known {
		w.calls[pid] = nil
	}
	switch sig := ws.StopSignal(); {
	case sig == syscall.SIGTRAP|sysgood:
		if err := w.syscallStop(pid); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	case ws.TrapCause() > 0: // it has started a process, a thread or another program
		w.calls[pid] = nil
	case sig == syscall.SIGSTOP && !known: // it is new
	default:
		return resume(pid, sig)
	}
	return resume(pid, 0)
}
