package ptrace

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// A thread that has just been started by one that is traced is traced already when
// it is found in the list: that must not end the trace, whichever thread traces.
func TestIsAThreadFoundThatIsTracedByUsAlready(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	program := exec.CommandContext(fdtest.Context(t), "cat")
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	pid := program.Process.Pid
	fdtest.OffTheMainThread(func() {
		tracer := new(Tracer)
		if err := tracer.Attach(pid); err != nil {
			t.Error(err)
			return
		}
		if err := tracer.seize(pid, 0); err != nil {
			t.Errorf("a second time: %v", err)
		}
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || !ws.Stopped() {
			t.Errorf("it has not stopped: %#x, %v", ws, err)
		}
		if err := request(reqDetach, pid, 0); err != nil {
			t.Error(err)
		}
	})
	in.Close()
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}

// A thread can end after it was found in the list: that must not end the trace.
func TestIsAThreadThatHasEndedAnObstacle(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	program := exec.CommandContext(fdtest.Context(t), "true")
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	pid := program.Process.Pid
	for end := fdtest.Soon(); !hasEnded(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not end: %s", status(pid, "State"))
		}
	}
	fdtest.OffTheMainThread(func() {
		tracer := new(Tracer)
		if err := tracer.Attach(pid); !errors.Is(err, syscall.ESRCH) || len(tracer.threads) != 0 {
			t.Errorf("%v, with %d threads", err, len(tracer.threads))
		}
	})
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}
