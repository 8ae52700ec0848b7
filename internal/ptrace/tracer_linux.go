package ptrace

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
)

// Handler learns what the threads do. But for Resumed, a thread has stopped while
// it learns of it; the others run. An error ends the trace.
type Handler interface {
	Entered(*Thread, *Call) (wanted bool)      // before the call; what is not wanted does not stop again
	Returned(*Thread, *Call, Result) error     // after it
	Resumed(*Thread, *Call) error              // after either of these, when the thread runs again
	Other(*Thread, Other)                      // before any other call of a thread with Every set
	Execed(*Thread)                            // another program has taken the process over
	Exiting(*Thread, syscall.WaitStatus) error // the thread ends; its descriptors are open
	Detaching(*Thread) error
}

// Tracer follows all threads of a program. All its methods but Stop are called
// in the same thread of the system (runtime.LockOSThread): to ptrace, that is the
// tracer.
type Tracer struct {
	Handler Handler
	Want    func(Kind) bool // which calls to stop at

	Status   syscall.WaitStatus // of the program that was started, when Run has returned
	Filtered bool               // whether the program has a filter, so that only wanted calls stop

	info      [88]byte     // of the system call at which a thread has stopped
	root      int          // the process that was started, or 0
	starting  chan started // has what became of the stage; nil when that is known
	threads   map[int]*Thread
	processes map[int]*Process
	stopping  atomic.Bool
	detaching bool
}

func (t *Tracer) options() int {
	return optSysgood | optFork | optVfork | optClone | optExec | optSeccomp | optExit
}

// thread is the record of a thread, which is new where it is not known.
func (t *Tracer) thread(tid int) *Thread {
	th := t.threads[tid]
	if th == nil {
		th = &Thread{TID: tid, tracer: t}
		t.threads[tid] = th
	}
	return th
}

// Run follows the threads until all have ended, or have been let go after Stop. The
// error is a StartError if the program could not be run.
func (t *Tracer) Run() error {
	defer func() {
		for _, p := range t.processes {
			p.close()
		}
	}()
	for {
		var ws syscall.WaitStatus
		tid, err := wait(&ws)
		if errors.Is(err, syscall.ECHILD) {
			return t.hasStarted()
		}
		if err != nil {
			return err
		}
		if err := t.changed(tid, ws); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", tid, err)
		}
		if t.stopping.Load() && t.interrupt() {
			return nil
		}
	}
}

// changed deals with a thread that has stopped or ended.
func (t *Tracer) changed(tid int, ws syscall.WaitStatus) error {
	if !ws.Stopped() {
		t.ended(tid, ws)
		return nil
	}
	th := t.thread(tid)
	sig := ws.StopSignal()
	event := int(ws>>16) & 0xff
	switch {
	case sig == syscall.SIGTRAP|sysgood, event == eventSeccomp:
		return t.syscallStop(th)
	case event == eventExec:
		t.execed(th)
	case event == eventExit:
		status, _ := syscall.PtraceGetEventMsg(tid)
		return t.after(t.Handler.Exiting(th, syscall.WaitStatus(status)), th, 0)
	case event == eventStop && sig != syscall.SIGTRAP: // it stays stopped
		return t.listen(th)
	case event == 0: // a signal, which it is to get
		return t.resume(th, sig)
	}
	return t.resume(th, 0)
}

// after resumes a thread unless an error other than its sudden end is in the way.
func (t *Tracer) after(err error, th *Thread, sig syscall.Signal) error {
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return t.resume(th, sig)
}

func (t *Tracer) ended(tid int, ws syscall.WaitStatus) {
	if tid == t.root {
		t.Status = ws
	}
	delete(t.threads, tid)
	if p := t.processes[tid]; p != nil {
		p.close()
		delete(t.processes, tid)
	}
}

// execed deals with a thread whose process now runs another program. All others
// of the process are gone, and this one has taken the process's number.
func (t *Tracer) execed(th *Thread) {
	if former, err := syscall.PtraceGetEventMsg(th.TID); err == nil && int(former) != th.TID {
		if old := t.threads[int(former)]; old != nil {
			th.every = old.every
			delete(t.threads, int(former))
		}
	}
	th.call, th.inside = nil, false
	t.hasStarted()
	if p := t.processes[th.TID]; p != nil {
		p.replaced()
	}
	t.Handler.Execed(th)
}

// Every has all threads of a process stop at every system call, or no longer. One
// that runs does so from its next stop on.
func (t *Tracer) Every(p *Process, every bool) {
	for _, th := range t.threads {
		if th.Process() == p {
			th.every = every
		}
	}
}

// resume lets a thread go on and gives it a signal, if that is not 0.
func (t *Tracer) resume(th *Thread, sig syscall.Signal) error {
	if t.detaching {
		return t.detach(th, sig)
	}
	req := reqSyscall
	if t.starting != nil || t.Filtered && th.call == nil && !th.every {
		req = reqCont
	}
	return request(req, th.TID, int(sig))
}

// listen leaves a thread stopped, until SIGCONT.
func (t *Tracer) listen(th *Thread) error {
	if t.detaching {
		return t.detach(th, 0)
	}
	return request(reqListen, th.TID, 0)
}
