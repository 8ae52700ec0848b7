package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// traced runs a program under fdpass trace and returns what that wrote to its file,
// and the exit status.
func traced(t *testing.T, flags []string, program ...string) (trace string, status int) {
	t.Helper()
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	file := filepath.Join(t.TempDir(), "trace")
	args := append([]string{"trace", "-o", file}, flags...)
	cmd := fdtest.Command(t, "fdpass", append(args, program...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	t.Cleanup(func() {
		if t.Failed() && errs.Len() > 0 {
			t.Logf("%q wrote to standard error:\n%s", program, &errs)
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// What it traces ends with it, such as a server that nobody has ended.
	timer := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	for _, why := range []string{"needs Linux 5.3", "ptrace: operation not permitted"} {
		if strings.Contains(errs.String(), why) {
			t.Skipf("needs Linux 5.3 and the right to trace: %s", &errs)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestDoesTraceShowWhatTheDemoPasses(t *testing.T) {
	fdtest.NoLeak(t)
	trace, status := traced(t, nil, self, "demo")
	if status != 0 {
		t.Errorf("status %d", status)
	}
	sender, sent := passed(t, trace, "sendmsg")
	receiver, received := passed(t, trace, "recvmsg")
	if sender == receiver {
		t.Error("sender and receiver are the same process")
	}
	if sent != received {
		t.Errorf("sent %s, and received %s", sent, received)
	}
}

// passed finds the one call with the demo's three descriptors in a trace:
// the process that made it, and what they were. Calls stand in the order in
// which they returned, and that of a receiver may return before the sender's.
func passed(t *testing.T, trace, call string) (pid, what string) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^\S+\[(\d+)\] `+call+`\(\d+ of a pair, \S+\) = 12.*
  SCM_RIGHTS: 3 descriptors
    \d+ is (/proc/version)
    \d+ is (.*)
    \d+ is (pipe:.*)
`).FindAllStringSubmatch(trace, -1)
	if len(m) != 1 {
		t.Fatalf("%d times %s with the descriptors in\n%s", len(m), call, trace)
	}
	return m[0][1], strings.Join(m[0][2:], " ")
}

func TestDoesTraceExplainEveryByte(t *testing.T) {
	fdtest.NoLeak(t)
	trace, _ := traced(t, []string{"-v"}, self, "demo")
	if n := strings.Count(trace, "= CMSG_LEN(12)"); n != 2 {
		t.Errorf("%d headers explained, want 2:\n%s", n, trace)
	}
}

func TestWhatIsTheStatusOfATrace(t *testing.T) {
	fdtest.NoLeak(t)
	programs := map[string]int{self + " help": 0, self + " fly": 2}
	if _, err := exec.LookPath("sh"); err == nil {
		programs["sh -c kill${IFS}-9${IFS}$$"] = 128 + 9
	}
	for program, want := range programs {
		trace, status := traced(t, nil, strings.Fields(program)...)
		if status != want || trace != "" {
			t.Errorf("%s: status %d, want %d; %s", program, status, want, trace)
		}
	}
}

func TestWhatIsSaidOfAProgramThatCannotBeTraced(t *testing.T) {
	fdtest.NoLeak(t)
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("no program\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]int{
		"": 2, "-p 1 true": 2, "-p -1": 2, "-e fish true": 2,
		"/no/such/program": 127, "no-such-program": 127, text: 126, "/": 126, plain: 126,
	} {
		if strings.HasPrefix(args, "/") {
			fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
			fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
		}
		cmd := fdtest.Command(t, "fdpass", append([]string{"trace"}, strings.Fields(args)...)...)
		var errs strings.Builder
		cmd.Stderr = &errs
		cmd.Run()
		if strings.Contains(errs.String(), "operation not permitted") {
			t.Skipf("needs the right to trace: %s", &errs)
		}
		got, said := cmd.ProcessState.ExitCode(), errs.String()
		if got != want || !strings.HasPrefix(said, "fdpass: trace: ") || strings.Count(said, "\n") != 1 {
			t.Errorf("%q: status %d, want %d: %s", args, got, want, &errs)
		}
	}
}
