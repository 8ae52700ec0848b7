package main

import (
	"bufio"
	"fmt"
	"net"
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
	"unsafe"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// tracedProgram is a program to trace.
func tracedProgram(args []string) error {
	a, b, err := fdpass.Pair("unix")
	if err != nil {
		return err
	}
	switch args[0] {
	case "errors": // one that is not open, and one too many
		fdpass.Send(a, os.NewFile(987, "not open"))
		pair, _ := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		fdtest.Sendmsg(pair[0], []byte("x"), fdpass.AppendRights(nil, make([]int, 254)...), 0)
	case "stop":
		runtime.LockOSThread() // Sent to this thread, it stops before the call returns.
		syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGSTOP)
		os.Exit(7)
	case "peer":
		if a, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: args[1], Net: "unix"}); err != nil {
			return err
		}
		return fdpass.Send(a, os.Stdin)
	case "hidden": // from others of its user, after so many messages
		for range len(args[1]) {
			if err := fdpass.Send(a, os.Stdin); err != nil {
				return err
			}
		}
		const setDumpable = 4 // PR_SET_DUMPABLE
		if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, setDumpable, 0, 0); errno != 0 {
			return errno
		}
		return fdpass.Send(a, os.Stdin)
	case "status": // of the process, and as many
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return err
		}
		os.Stdout.Write(status)
		fallthrough
	case "many":
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		if err := fdpass.Send(a, null, null, null, null); err != nil {
			return err
		}
		_, err = fdpass.Recv(b, 4)
		return err
	case "inherits": // what it receives is not close-on-exec
		pair, _ := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		fdtest.Sendmsg(pair[0], []byte("x"), fdpass.AppendRights(nil, 0), 0)
		_, _, _, _, err := syscall.Recvmsg(pair[1], make([]byte, 1), make([]byte, 64), 0)
		return err
	case "flags":
		return sendFlags()
	case "nowhere":
		sendFromNowhere()
	case "sockets":
		return sendSockets(a, args[1])
	case "mixed":
		return sendMixed(a, b)
	case "batch":
		return sendBatch(a, b)
	case "killed":
		return sendKilled(a)
	case "talks":
		return sendAndSay(a)
	case "lines": // a message for each line
		fmt.Println("ready")
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			if err := fdpass.Send(a, os.Stdin); err != nil {
				return err
			}
			if _, err := fdpass.Recv(b, 1); err != nil {
				return err
			}
			fmt.Println("done")
		}
	}
	return nil
}

// tracedAs runs tracedProgram under trace.
func tracedAs(t *testing.T, flags []string, args ...string) (trace string, status int) {
	t.Helper()
	return traced(t, flags, append([]string{self, "traced"}, args...)...)
}

func TestAreFailedCallsShownWithTheirErrors(t *testing.T) {
	fdtest.NoLeak(t)
	trace, _ := tracedAs(t, []string{"-errors"}, "errors")
	for _, want := range []string{
		`sendmsg\(\d+ of a pair, MSG_DONTWAIT\|MSG_NOSIGNAL\) = -1 EBADF \(.*\)
  SCM_RIGHTS: 1 descriptor
    987 is not open
`,
		`sendmsg\(\d+ of a pair, MSG_NOSIGNAL\) = -1 EINVAL \(more than 253 descriptors.*\)\n  SCM_RIGHTS: `,
	} {
		if !regexp.MustCompile(want).MatchString(trace) {
			t.Errorf("no %s in\n%.2000s", want, trace)
		}
	}
}

// sendFromNowhere says twice, at the same place, that control messages are where
// addresses end.
func sendFromNowhere() {
	pair, _ := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	var h struct { // struct msghdr; a Go pointer cannot have such a value
		name                             uintptr
		namelen                          uint32
		iov, iovlen, control, controllen uintptr
		flags                            int32
	}
	for range 2 {
		h.control, h.controllen = ^uintptr(15), 64
		// unsafe.Pointer rule 1: the two structs have the same layout.
		rawmsg.Sendmsg(pair[0], (*rawmsg.Msghdr)(unsafe.Pointer(&h)), 0)
	}
}

func TestDoesTraceTakeAnyAddress(t *testing.T) {
	fdtest.NoLeak(t)
	trace, status := tracedAs(t, nil, "nowhere")
	if n := strings.Count(trace, " = -1 EFAULT"); n != 2 || status != 0 {
		t.Errorf("%d calls failed with EFAULT, status %d:\n%s", n, status, trace)
	}
}

func TestAreLongEqualListsFolded(t *testing.T) {
	fdtest.NoLeak(t)
	trace, _ := tracedAs(t, nil, "many")
	folded := regexp.MustCompile(`= 1, msg_flags MSG_CMSG_CLOEXEC
  SCM_RIGHTS: 4 descriptors
    \d+(?: to |, ).*\d+ are /dev/null
`)
	if !folded.MatchString(trace) {
		t.Errorf("not folded:\n%s", trace)
	}
}

func TestDoesTraceShowOnlyTheKindsThatAreAskedFor(t *testing.T) {
	fdtest.NoLeak(t)
	if trace, _ := tracedAs(t, []string{"-e", "cred,inq"}, "many"); trace != "" {
		t.Errorf("rights are shown:\n%s", trace)
	}
	trace, _ := tracedAs(t, []string{"-e", "cred,rights"}, "many")
	if strings.Count(trace, "SCM_RIGHTS") != 2 {
		t.Errorf("rights are not shown:\n%s", trace)
	}
}

func TestDoesTraceNameTheSocketAndThePeer(t *testing.T) {
	fdtest.NoLeak(t)
	path := filepath.Join(fdtest.SocketDir(t), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	trace, status := tracedAs(t, []string{"-t"}, "peer", path)
	want := fmt.Sprintf(`(?m)^\d\d:\d\d:\d\d\.\d{6} \S+\[\d+\] sendmsg\(\d+ to %s of \S+\[%d\], `,
		regexp.QuoteMeta(path), os.Getpid())
	if status != 0 || !regexp.MustCompile(want).MatchString(trace) {
		t.Errorf("status %d: no %s in\n%s", status, want, trace)
	}
}

func TestDoesAProgramThatStopsItselfStayStopped(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	cmd := fdtest.Command(t, "fdpass", "trace", self, "traced", "stop")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// What is traced and stopped by a signal is in the state t.
	program := 0
	for end := fdtest.Soon(); program == 0; time.Sleep(10 * time.Millisecond) {
		for _, child := range children(t, cmd) {
			status, _ := os.ReadFile("/proc/" + child + "/status")
			if strings.Contains(string(status), "State:\tt") {
				program, _ = strconv.Atoi(child)
			}
		}
		if time.Now().After(end) {
			cmd.Process.Kill()
			cmd.Wait()
			t.Fatal("the program does not stop")
		}
	}
	// A system call is seen as t, too, and then it stops only after this.
	again, late := time.NewTicker(20*time.Millisecond), time.After(time.Until(fdtest.Soon()))
	defer again.Stop()
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	for waiting := true; waiting; {
		syscall.Kill(program, syscall.SIGCONT)
		select {
		case <-ended:
			waiting = false
		case <-again.C:
		case <-late:
			cmd.Process.Kill()
		}
	}
	if status := cmd.ProcessState.ExitCode(); status != 7 {
		t.Errorf("status %d, want 7", status)
	}
}

// children returns the processes that cmd has started, in decimal. Linux has a
// list for each thread, and any thread of a Go program can be the one that starts
// a process. If there are no lists, cmd is killed and the test is skipped.
func children(t *testing.T, cmd *exec.Cmd) (pids []string) {
	t.Helper()
	if _, err := os.Stat("/proc/thread-self/children"); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		t.Skip("needs a kernel with CONFIG_PROC_CHILDREN:", err)
	}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
	if err != nil {
		t.Error(err)
	}
	for _, name := range lists {
		list, _ := os.ReadFile(name) // A thread can have ended.
		pids = append(pids, strings.Fields(string(list))...)
	}
	return pids
}

func TestIsAProcessThatIsAttachedToLetGoUnharmed(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	program := fdtest.Command(t, "fdpass", "traced", "lines")
	in, _ := program.StdinPipe()
	out, _ := program.StdoutPipe()
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("the program said %q, want %q", lines.Text(), want)
		}
	}
	next("ready")
	file := filepath.Join(t.TempDir(), "trace")
	trace := fdtest.Command(t, "fdpass", "trace", "-o", file, "-p", fmt.Sprint(program.Process.Pid))
	if err := trace.Start(); err != nil {
		t.Fatal(err)
	}
	text := ""
	for end := fdtest.Soon(); !strings.Contains(text, "recvmsg(") && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
		fmt.Fprintln(in)
		next("done")
		b, _ := os.ReadFile(file)
		text = string(b)
	}
	if !strings.Contains(text, "] sendmsg(") {
		t.Errorf("the trace is %q", text)
	}
	trace.Process.Signal(os.Interrupt)
	if err := trace.Wait(); err != nil {
		t.Errorf("the trace ended with %v", err)
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", program.Process.Pid))
	if !strings.Contains(string(status), "TracerPid:\t0\n") {
		t.Errorf("still traced:\n%s", status)
	}
	fmt.Fprintln(in)
	next("done")
	in.Close()
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}

func TestDoesDashStandForStandardOutput(t *testing.T) {
	fdtest.NoLeak(t)
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	out, err := fdtest.Command(t, "fdpass", "trace", "-o", "-", "-json", self, "traced", "many").Output()
	if err != nil || strings.Count(string(out), `"call":"sendmsg"`) != 1 {
		t.Errorf("%v: %s", err, out)
	}
}
