package main

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// sendKilled sends a descriptor and ends at once.
func sendKilled(a *net.UnixConn) error {
	fdpass.Send(a, os.Stdin)
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// sendAndSay sends descriptors, and says so after each.
func sendAndSay(a *net.UnixConn) error {
	for range 100 {
		if err := fdpass.Send(a, os.Stdin); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "sent")
	}
	return nil
}

// sendMixed sends descriptors of which some are the same file, some only have the
// same name, and the numbers are in no order.
func sendMixed(a, b *net.UnixConn) error {
	var files [3]*os.File
	for i, name := range []string{os.DevNull, "/proc/version", os.DevNull} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		files[i] = f
	}
	null, version, other := files[0], files[1], files[2]
	if err := fdpass.Send(a, null, null, version, null, other, version, version); err != nil {
		return err
	}
	_, err := fdpass.Recv(b, 7)
	return err
}

// sendBatch sends messages with one descriptor, none, and two.
func sendBatch(a, b *net.UnixConn) error {
	s, err := fdpass.NewBatchSender(a)
	if err != nil {
		return err
	}
	r, err := fdpass.NewBatchReceiver(b, 3, fdpass.Options{MaxFDs: 2})
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	x := []byte("x")
	_, _, err = s.Send([]fdpass.Outgoing{
		{Payload: x, Files: []*os.File{null}}, {Payload: x}, {Payload: x, Files: []*os.File{null, null}},
	})
	if err != nil {
		return err
	}
	_, err = r.Recv([][]byte{make([]byte, 1), make([]byte, 1), make([]byte, 1)})
	return err
}

func TestDoesEachOfManyDescriptorsHaveItsOwnName(t *testing.T) {
	fdtest.NoLeak(t)
	trace, _ := tracedAs(t, nil, "mixed")
	received := regexp.MustCompile(`recvmsg\(.*\n  SCM_RIGHTS: 7 descriptors
    \d+ and \d+ are /dev/null
    \d+ is /proc/version
    \d+ and \d+ are /dev/null
    \d+ and \d+ are /proc/version
`)
	if !received.MatchString(trace) {
		t.Errorf("no %s in\n%s", received, trace)
	}
	trace, _ = tracedAs(t, []string{"-json"}, "mixed")
	named := func(name string) int { return strings.Count(trace, `"is":"`+name+`"`) }
	if n, v := named("/dev/null"), named("/proc/version"); n != 8 || v != 6 {
		t.Errorf("%d and %d names, want 8 and 6:\n%s", n, v, trace)
	}
}

func TestIsEachMessageOfABatchShown(t *testing.T) {
	fdtest.NoLeak(t)
	trace, _ := tracedAs(t, nil, "batch")
	for _, call := range []string{"sendmmsg", "recvmmsg"} {
		want := regexp.MustCompile(call + `\[0\]\(.*= 1.*\n  SCM_RIGHTS: 1 descriptor\n    \d+ is /dev/null\n.*` +
			call + `\[2\]\(.*= 1.*\n  SCM_RIGHTS: 2 descriptors\n    \d+ and \d+ are /dev/null\n`)
		if !want.MatchString(trace) {
			t.Errorf("no %s in\n%s", want, trace)
		}
	}
}

func TestIsTheLastCallOfAProgramThatIsKilledShown(t *testing.T) {
	fdtest.NoLeak(t)
	trace, status := tracedAs(t, nil, "killed")
	if status != 128+9 || strings.Count(trace, "] sendmsg(") != 1 {
		t.Errorf("status %d:\n%s", status, trace)
	}
}

// Both write to standard error.
func TestIsACallShownBeforeWhatTheProgramWritesAfterIt(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	cmd := fdtest.Command(t, "fdpass", "trace", self, "traced", "talks")
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		t.Skipf("needs the right to trace: %v: %s", err, &out)
	}
	call := regexp.MustCompile(`^\S+ sendmsg\(.*\n  SCM_RIGHTS: 1 descriptor\n    0 is .*\nsent\n`)
	rest := out.String()
	for i := range 100 {
		m := call.FindString(rest)
		if m == "" {
			t.Fatalf("call %d is not shown, or at another place: %.200s", i, rest)
		}
		rest = rest[len(m):]
	}
}
