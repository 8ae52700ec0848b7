package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"example.com/fdpass/internal/ptrace"
)

// watcher shows what the threads of a program do.
type watcher struct {
	*tracer
	out       io.Writer
	trace     *ptrace.Tracer
	found     bool // something is wrong
	colors    bool // out is a terminal that has them
	sockets   map[socketKey]*knownSocket
	uring     map[int]bool // the processes that are known to use io_uring
	hidden    map[int]bool // those whose memory cannot be read
	watched   suspicions
	leftovers leftovers
	window    [4096]byte        // of a program's memory
	headers   map[uint64]header // what was last at an address
	pending   []*traceRecord    // put off
	text      bytes.Buffer      // what is written of one
	holding   bool              // a program that has made a call does not go on yet
}

// run traces a program, or a process, to its end, and returns the status to end
// with.
func (t *tracer) run(args []string) (status int, err error) {
	path := ""
	if t.pid == 0 {
		if path, err = findProgram(args[0]); err != nil {
			return 0, fmt.Errorf("trace: %w", err)
		}
	}
	out, err := t.open()
	if err != nil {
		return 0, fmt.Errorf("trace: %w", err)
	}
	// To ptrace, the thread that started the program is its tracer.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	debug.SetGCPercent(400) // little is kept, much is thrown away
	if runtime.GOMAXPROCS(0) == 1 {
		// With one to spare, the runtime does not look after this thread, which
		// nearly always waits in the kernel, every 20 microseconds.
		runtime.GOMAXPROCS(2)
	}
	w := &watcher{tracer: t, out: out, colors: t.color(), sockets: map[socketKey]*knownSocket{}, headers: map[uint64]header{},
		uring: map[int]bool{}, hidden: map[int]bool{}, watched: suspicions{}, leftovers: leftovers{}}
	w.trace = &ptrace.Tracer{Handler: w, Want: ptrace.Wanted(t.reads || t.lint)}
	if t.pid != 0 {
		err = w.attach()
	} else {
		err = w.start(path, args)
	}
	if err != nil {
		return 0, err
	}
	err = w.trace.Run()
	if start := (*ptrace.StartError)(nil); errors.As(err, &start) {
		err = cannotRun(err)
	}
	if closed := out.Close(); err == nil { // else it is perhaps the same
		err = closed
	}
	if err != nil {
		return 0, fmt.Errorf("trace: %w", err)
	}
	return w.status(), nil
}

// open opens what to write to.
func (t *tracer) open() (io.WriteCloser, error) {
	switch t.file {
	case "":
		return stays{os.Stderr}, nil
	case "-":
		return stays{os.Stdout}, nil
	}
	f, err := os.Create(t.file)
	if err != nil {
		return nil, err
	}
	return newSlowWriter(f), nil
}

// stays is a writer that is not closed.
type stays struct{ io.Writer }

func (stays) Close() error { return nil }

func (w *watcher) start(path string, args []string) error {
	// The terminal sends its signals to the program as well, which decides.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGQUIT)
	if err := w.trace.Start([]string{os.Args[0], "trace-start"}, w.reads || w.lint, path, args); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	// Each stop would have a signal, which costs more than the rest of it. What is
	// traced can be waited for all the same.
	signal.Ignore(syscall.SIGCHLD)
	return nil
}

// attach begins to trace a process, until a signal asks for the end.
func (w *watcher) attach() error {
	end := make(chan os.Signal, 1) // Before anything is shown: who reads it may send the signal.
	signal.Notify(end, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	if err := w.trace.Attach(w.pid); err != nil {
		return fmt.Errorf("trace: process %d: %w", w.pid, err)
	}
	if err := w.hasIoUring(w.pid); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	go func() {
		<-end
		w.trace.Stop(wake)
	}()
	return nil
}

// wake starts a process that ends at once.
func wake() error {
	_, err := syscall.ForkExec(self, []string{os.Args[0], "trace-wake"}, &syscall.ProcAttr{Env: os.Environ()})
	return err
}

// status is the exit status to end with.
func (w *watcher) status() int {
	ws := w.trace.Status
	switch {
	case w.lint && w.found:
		return 1
	case w.pid != 0:
	case ws.Signaled():
		return 128 + int(ws.Signal())
	default:
		return ws.ExitStatus()
	}
	return 0
}
