package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
	"example.com/fdpass/rawmsg"
)

func init() {
	roles["without calls"] = withoutCalls
	roles["as nobody"] = asNobody
}

const errNoFilter = "this kernel has no filters of system calls; it needs CONFIG_SECCOMP_FILTER"

// withoutCalls becomes fdpass under a filter that answers system calls with an
// errno: "157:1,425:0". The last may be prctl(2).
func withoutCalls(args []string) error {
	const number = 0 // in struct seccomp_data
	filter := []rawmsg.SockFilter{{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: number}}
	for _, word := range strings.Split(args[0], ",") {
		var number, errno uint32
		if _, err := fmt.Sscanf(word, "%d:%d", &number, &errno); err != nil {
			return err
		}
		const retErrno = 0x00050000 // SECCOMP_RET_ERRNO of include/uapi/linux/seccomp.h
		filter = append(filter,
			rawmsg.SockFilter{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: number, Jf: 1},
			rawmsg.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: retErrno | errno})
	}
	const retAllow, noNewPrivs = 0x7fff0000, 38
	filter = append(filter, rawmsg.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: retAllow})
	runtime.LockOSThread()
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	if err := rawmsg.Seccomp(filter); err == syscall.EINVAL {
		return errors.New(errNoFilter)
	} else if err != nil {
		return err
	}
	return becomeFdpass(args[1:])
}

// asNobody becomes fdpass without privilege.
func asNobody(args []string) error {
	const nobody = 65534
	if os.Getuid() == 0 {
		for _, err := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)} {
			if err != nil {
				return err
			}
		}
	}
	return becomeFdpass(args)
}

func becomeFdpass(args []string) error {
	if err := os.Setenv("FDPASS_TEST_ROLE", "fdpass"); err != nil {
		return err
	}
	return syscall.Exec(self, append([]string{self}, args...), os.Environ())
}

// inRole runs fdpass by way of a role, and returns what that writes to standard
// output and to standard error, and its status.
func inRole(t *testing.T, role string, args ...string) (out, said string, status int) {
	t.Helper()
	fdtest.SkipUnderQemuUser(t, "it has neither ptrace nor filters")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	cmd := fdtest.Command(t, role, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	b, err := cmd.Output()
	for _, why := range []string{errNoFilter, "needs Linux 5.3", "ptrace: operation not permitted"} {
		if strings.Contains(errs.String(), why) {
			t.Skip(&errs)
		}
	}
	if err != nil {
		t.Logf("%v\n%s", err, &errs)
	}
	return string(b), errs.String(), cmd.ProcessState.ExitCode()
}

// isTraced checks that a trace shows what tracedProgram does with "status", and
// how many filters that had. Linux says so since 5.9.
func isTraced(t *testing.T, out string, filters int) {
	t.Helper()
	for _, call := range []string{"sendmsg", "recvmsg"} {
		if n := strings.Count(out, "] "+call+"("); n != 1 {
			t.Errorf("%d times %s in\n%s", n, call, out)
		}
	}
	if n := strings.Count(out, "  SCM_RIGHTS: 4 descriptors\n"); n != 2 {
		t.Errorf("%d times the descriptors in\n%s", n, out)
	}
	m := regexp.MustCompile(`(?m)^Seccomp_filters:\s*(\d+)$`).FindStringSubmatch(out)
	if m != nil && m[1] != strconv.Itoa(filters) {
		t.Errorf("the program has %s filters, want %d", m[1], filters)
	}
}

func TestDoesTraceWorkWhereSeccompIsNotToBeHad(t *testing.T) {
	fdtest.NoLeak(t)
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS} {
		filter := fmt.Sprintf("%d:%d", syscall.SYS_PRCTL, int(errno))
		out, _, status := inRole(t, "without calls", filter, "trace", "-o", "-", self, "traced", "status")
		if status != 0 {
			t.Errorf("%v: status %d", errno, status)
		}
		isTraced(t, out, 1) // that of this test
		args := []string{filter, "trace", "-o", "-", "-lint", self, "traced", "inherits"}
		out, _, status = inRole(t, "without calls", args...)
		if status != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "MSG_CMSG_CLOEXEC") {
			t.Errorf("%v: of a trap it says, with status %d: %s", errno, status, out)
		}
	}
}

func TestDoesTraceWorkWithoutPrivilege(t *testing.T) {
	fdtest.NoLeak(t)
	if info, err := os.Stat(self); err != nil || info.Mode()&5 != 5 {
		t.Skipf("needs a umask that lets others run this test: %v, %v", info, err)
	}
	out, _, status := inRole(t, "as nobody", "trace", "-o", "-", self, "traced", "status")
	if status != 0 {
		t.Errorf("status %d", status)
	}
	isTraced(t, out, 1+filtersHere(t))
	if m := regexp.MustCompile(`(?m)^Uid:\s*(\d+)`).FindStringSubmatch(out); m == nil || m[1] == "0" {
		t.Errorf("the program's user is not nobody: %q", m)
	}
}

// Without privilege, /proc does not show what a program such as ssh-agent has open.
func TestIsADescriptorThatCannotBeSeenSaidNotToBeOpen(t *testing.T) {
	fdtest.NoLeak(t)
	out, _, _ := inRole(t, "as nobody", "trace", "-o", "-", self, "traced", "hidden", "x")
	if want := "    0 is not visible: permission denied\n"; !strings.Contains(out, want) {
		t.Errorf("it does not say %q:\n%s", want, out)
	}
}

// Nor can its memory be read then, where its messages are.
func TestIsAProgramThatHidesItsMessagesFoundFaultless(t *testing.T) {
	fdtest.NoLeak(t)
	_, _, status := inRole(t, "as nobody", "trace", "-o", "/dev/null", self, "traced", "hidden", "")
	if status != 0 {
		t.Errorf("status %d", status)
	}
	_, errs, status := inRole(t, "as nobody", "trace", "-lint", "-o", "/dev/null", self, "traced", "hidden", "")
	if want := "its messages are not seen: permission denied\n"; status != 1 || strings.Count(errs, want) != 1 {
		t.Errorf("status %d; it does not say once %q:\n%s", status, want, errs)
	}
}

// What a traced program starts is traced, too, and has no room for another tracer.
func TestWhatIsSaidOfAProgramThatIsTracedAlready(t *testing.T) {
	fdtest.NoLeak(t)
	traced(t, nil, self, "help") // which skips where nothing can be traced
	trace := fdpassCommand(t, "trace", self, "trace", self, "help")
	trace.begin()
	trace.fail(1, fmt.Sprintf("fdpass: trace: process %d traces it already", trace.Process.Pid))
}

// To the kernel, a tracer is a thread; what is named is the process that it is of.
func TestIsTheProcessNamedWhoseThreadTraces(t *testing.T) {
	fdtest.NoLeak(t)
	traced(t, nil, self, "help") // which skips where nothing can be traced
	pid, end := fdtest.Reading(t)
	fdtest.OffTheMainThread(func() {
		const seize = 0x4206 // PTRACE_SEIZE of ptrace(2); it does not stop the program
		if _, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, seize, uintptr(pid), 0, 0, 0, 0); errno != 0 {
			t.Error(errno)
			return
		}
		trace := fdpassCommand(t, "trace", "-p", strconv.Itoa(pid))
		trace.begin()
		trace.fail(1, fmt.Sprintf(" process %d: process %d traces it already", pid, os.Getpid()))
	})
	end()
}

func TestIsWhatIsWrongRedInATerminal(t *testing.T) {
	fdtest.NoLeak(t)
	if trace, _ := traced(t, nil, self, "traced", "inherits"); strings.Contains(trace, "\x1b") {
		t.Errorf("colours in a file: %q", trace)
	}
	for env, want := range map[string]int{
		"TERM=xterm NO_COLOR=": 1, "TERM=xterm NO_COLOR=1": 0, "TERM=dumb NO_COLOR=": 0,
	} {
		out := inTerminal(t, 80, strings.Fields(env), "trace", "-o", "-", self, "traced", "inherits")
		red := regexp.MustCompile(`(?m)^\x1b\[31m  wrong: [^\x1b]*\x1b\[0m$`).FindAllString(out, -1)
		if len(red) != want || strings.Count(out, "\x1b") != 2*want || !strings.Contains(out, "  wrong: ") {
			t.Errorf("%s: %d lines are red, want %d: %q", env, len(red), want, out)
		}
	}
}

// filtersHere is how many filters this process has.
func filtersHere(t *testing.T) (n int) {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range lines.Of(string(text)) {
		fmt.Sscanf(line, "Seccomp_filters: %d", &n)
	}
	return n
}

// ringNumber is that of io_uring_setup, which all architectures count alike.
func ringNumber() int {
	first := map[string]int{"mips": 4000, "mipsle": 4000, "mips64": 5000, "mips64le": 5000}
	return first[runtime.GOARCH] + 425
}

// uringProgram builds the program that asks for a ring, and reports whether it
// gets one here.
func uringProgram(t *testing.T) (path string, works bool) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc: apt-get install gcc libc6-dev")
	}
	path = filepath.Join(t.TempDir(), "uring")
	args := []string{"-Wall", "-Wextra", "-Werror", "-o", path, "testdata/uring.c"}
	build := exec.CommandContext(fdtest.Context(t), "gcc", args...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path, exec.CommandContext(fdtest.Context(t), path).Run() == nil
}

const usesRing = `(?m)^uring\[\d+\] io_uring_setup\(\d+\): ` +
	`uring uses io_uring; its messages there are not seen$`

// What is answered with 0 has succeeded: so the line is shown where the kernel
// gives nobody a ring, too.
func TestIsAProgramAnnouncedThatUsesIoUring(t *testing.T) {
	fdtest.NoLeak(t)
	program, works := uringProgram(t)
	announced := regexp.MustCompile(usesRing)
	if works {
		trace, status := traced(t, nil, program)
		if status != 0 || len(announced.FindAllString(trace, -1)) != 1 || strings.Count(trace, "\n") != 1 {
			t.Errorf("status %d: %q is not %s once", status, trace, usesRing)
		}
		var r traceRecord
		trace, _ = traced(t, []string{"-json"}, program)
		err := json.Unmarshal([]byte(trace), &r)
		if err != nil || r.Call != "io_uring_setup" || r.Note == "" {
			t.Errorf("%v: %s", err, trace)
		}
		if trace, status := traced(t, []string{"-lint"}, program); status != 0 || trace != "" {
			t.Errorf("-lint: status %d: %s", status, trace)
		}
	}
	for errno, want := range map[syscall.Errno]int{0: 1, syscall.ENOSYS: 0, syscall.EPERM: 0} {
		// Trace must not have a filter: what this one answers does not come to it.
		filter := fmt.Sprintf("%d:%d,%d:1", ringNumber(), int(errno), syscall.SYS_PRCTL)
		trace, _, _ := inRole(t, "without calls", filter, "trace", "-o", "-", program)
		if n := len(announced.FindAllString(trace, -1)); n != want || strings.Count(trace, "\n") != want {
			t.Errorf("io_uring_setup is answered with %d: announced %d times, want %d: %q",
				int(errno), n, want, trace)
		}
	}
}

func TestIsAProcessAnnouncedThatHasARingAlready(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	program, works := uringProgram(t)
	if !works {
		t.Skip("this kernel gives nobody an io_uring")
	}
	cmd := exec.CommandContext(fdtest.Context(t), program, "wait")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	trace := fdpassCommand(t, "trace", "-o", "-", "-p", strconv.Itoa(cmd.Process.Pid))
	trace.begin()
	for end := fdtest.Soon(); trace.out.String() == "" && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	trace.Process.Signal(os.Interrupt)
	if got := trace.succeed(); !regexp.MustCompile(usesRing).MatchString(got) {
		t.Errorf("%q is not %s", got, usesRing)
	}
}
