package ptrace

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

func TestMain(m *testing.M) {
	fdtest.Main(m, nil)
}

// A thread that has just been started by one that is traced is traced already when
// it is found in the list: that must not end the trace, whichever thread traces.
func TestIsAThreadFoundThatIsTracedByUsAlready(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	pid, end := fdtest.Reading(t)
	fdtest.OffTheMainThread(func() {
		tracer := new(Tracer)
		if err := tracer.Attach(pid); err != nil {
			t.Error(err)
			return
		}
		if err := tracer.seize(pid, 0); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
	end()
}

// A thread can end after it was found in the list: that must not end the trace.
func TestIsAThreadThatHasEndedAnObstacle(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	program := fdtest.Command(t, fdtest.Reads) // nothing
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	pid := program.Process.Pid
	for end := fdtest.Soon(); ; time.Sleep(time.Millisecond) {
		if tids, _ := threadsOf(pid); len(tids) == 1 && hasEnded(pid) {
			break
		}
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
