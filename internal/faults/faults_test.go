//go:build linux

package faults

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// watched are the system calls that strace shows. The last ones are the marks.
const watched = "sendmsg,recvmsg,sendmmsg,recvmmsg,getsockname,getsockopt,setsockopt,socket,socketpair," +
	"fcntl,dup,dup3,close,close_range,ppoll,ioctl," +
	"?access,?faccessat,?faccessat2"

// call is a system call of an operation: the when'th of its name in the process.
type call struct {
	name string
	when int
}

// traced runs operations under strace and returns the system calls of each. With an
// injection, one of them fails.
func traced(t *testing.T, errno syscall.Errno, inject string,
	names ...string) (calls map[string][]call, output string, err error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "strace")
	cmd := fdtest.Command(t, "operate", append([]string{fmt.Sprint(int(errno))}, names...)...)
	words := []string{"strace", "-qq", "-o", out, "-e", "trace=" + watched, "-e", "signal=none"}
	if inject != "" {
		words = append(words, "-e", "inject="+inject)
	}
	path, lerr := exec.LookPath("strace")
	if lerr != nil {
		t.Skip("needs strace: apt-get install strace")
	}
	cmd.Path, cmd.Args = path, append(words, cmd.Args...)
	cmd.Stderr = nil
	b, err := cmd.CombinedOutput()
	if strings.Contains(string(b), "PTRACE_") && strings.Contains(string(b), "not permitted") {
		t.Skipf("may not trace: %s", b)
	}
	return parse(t, out), string(b), err
}

// parse reads what strace has written.
func parse(t *testing.T, file string) map[string][]call {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls, seen, now := map[string][]call{}, map[string]int{}, ""
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, rest, ok := strings.Cut(lines.Text(), "(")
		if !ok {
			continue
		}
		if _, mark, ok := strings.Cut(rest, `"/begin/`); ok {
			now, _, _ = strings.Cut(mark, `"`)
			calls[now] = []call{}
		} else if strings.Contains(rest, `"/end/`) {
			now = ""
		} else if seen[name]++; now != "" {
			calls[now] = append(calls[now], call{name, seen[name]})
		}
	}
	return calls
}

func TestHowManySystemCallsDoesEachOperationMake(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "strace would show the system calls of qemu")
	calls, output, err := traced(t, 0, "")
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, op := range operations {
		got, ok := calls[op.name]
		if !ok {
			t.Errorf("%s: was not seen", op.name)
		}
		if op.calls >= 0 && len(got) != op.calls {
			t.Errorf("%s: %d system calls, want %d: %v", op.name, len(got), op.calls, got)
		}
	}
}

// TestDoesAFailingSystemCallLeak: each of them fails, one after the other, with an
// error that nothing expects, and with one that everything must expect.
func TestDoesAFailingSystemCallLeak(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "strace would show the system calls of qemu")
	if runtime.GOARCH == "386" {
		t.Skip("package syscall calls socketcall(2) here, whose parts strace counts apart from ours: " +
			"runs on other machines")
	}
	calls, output, err := traced(t, 0, "")
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	count := 0
	for _, op := range operations {
		for _, c := range calls[op.name] {
			if c.name == "close" || c.name == "close_range" {
				continue // what did not run has closed nothing
			}
			for errno, name := range map[syscall.Errno]string{
				syscall.ENOMEM: "ENOMEM", syscall.EINTR: "EINTR",
			} {
				if errno == syscall.EINTR && !strings.HasSuffix(c.name, "msg") {
					continue // they do not wait
				}
				count++
				_, output, err := traced(t, errno, fmt.Sprintf("%s:error=%s:when=%d", c.name, name, c.when))
				if err != nil {
					t.Errorf("%s: %v fails with %v: %v\n%s", op.name, c, errno, err, output)
				}
			}
		}
	}
	t.Logf("%d system calls failed", count)
}
