package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

var roles = map[string]func(args []string) error{"fdpass": asFdpass}

// asFdpass is the command itself. Three words are for the tests: what fdpass
// starts has the same role, and its arguments have to say what it is to do.
func asFdpass(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "report":
			return report()
		case "become":
			return becomeInherited(args[1:])
		case "traced":
			return tracedProgram(args[1:])
		}
	}
	os.Exit(run(args))
	return nil
}

// patience is what a process gets to do its work before it is killed.
const patience = 30 * time.Second

// process is a running fdpass.
type process struct {
	*exec.Cmd
	t        testing.TB
	out, err output
}

// output is what a process has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// until waits until the process has written as much as s has, and returns it.
func (p *process) until(s string) string {
	p.t.Helper()
	for end := time.Now().Add(patience); len(p.out.String()) < len(s) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	return p.out.String()
}

// fdpassCommand is fdpass with arguments, its output collected.
func fdpassCommand(t testing.TB, args ...string) *process {
	t.Helper()
	inheritNothing()
	p := &process{Cmd: fdtest.Command(t, "fdpass", args...), t: t}
	p.Stdout, p.Stderr = &p.out, &p.err
	return p
}

// inheritNothing keeps what this test itself was started with, by whatever
// shell, from the processes that it starts.
var inheritNothing = sync.OnceFunc(func() {
	for fd := 3; fd < 1024; fd++ {
		fcntl(fd, syscall.F_SETFD, syscall.FD_CLOEXEC) // most are not open
	}
})

func startFdpass(t testing.TB, args ...string) *process {
	t.Helper()
	p := fdpassCommand(t, args...)
	p.begin()
	return p
}

func (p *process) begin() {
	p.t.Helper()
	if err := p.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if p.ProcessState == nil {
			p.Process.Kill()
			p.Wait()
		}
	})
}

// end waits for the process and returns its exit status, -1 after a signal.
func (p *process) end() int {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { p.Process.Kill() })
	defer timer.Stop()
	if err := p.Wait(); err != nil && p.ProcessState == nil {
		p.t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

// succeed is end for a process that is to exit with 0, and returns its output.
func (p *process) succeed() string {
	p.t.Helper()
	if code := p.end(); code != 0 {
		p.t.Fatalf("%q: status %d (%v)\n%s%s",
			p.Args[1:], code, p.ProcessState, p.out.String(), p.err.String())
	}
	return p.out.String()
}

// fail is end for a process that is to fail with a status and a message.
func (p *process) fail(status int, message string) {
	p.t.Helper()
	if code := p.end(); code != status {
		p.t.Errorf("%q: status %d (%v), want %d\n%s",
			p.Args[1:], code, p.ProcessState, status, p.err.String())
	}
	if s := p.err.String(); !strings.HasPrefix(s, "fdpass: ") || !strings.Contains(s, message) {
		p.t.Errorf("%q: stderr is %q and should be fdpass: … with %q in it", p.Args[1:], s, message)
	}
}

// needsAcceptConn skips t where the kernel does not say that a socket listens.
func needsAcceptConn(t *testing.T, listener syscall.Conn) {
	t.Helper()
	listens := 0
	err := control(listener, func(fd int) (err error) {
		listens, err = syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
		return err
	})
	if err != nil || listens == 0 {
		fdtest.SkipUnderGVisor(t, "older ones do not say that a socket listens: SO_ACCEPTCONN")
	}
}

// isFrom checks that a list of what was received says from which process. What that
// calls itself is not there if it has ended by then.
func isFrom(t *testing.T, list string, pid int) {
	t.Helper()
	t.Run("sender", func(t *testing.T) {
		fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
		if want := fmt.Sprintf("\nfrom process %d ", pid); !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	})
}

// appears waits for something to be at path.
func appears(t testing.TB, path string) os.FileInfo {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		info, err := os.Lstat(path)
		if err == nil {
			return info
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// isGone fails the test if there is something at path.
func isGone(t testing.TB, path string) {
	t.Helper()
	if info, err := os.Lstat(path); err == nil {
		t.Errorf("still there: %s %v", path, info.Mode())
	}
}

// socketPath is a path for a socket, short enough for one.
func socketPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fdpass")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// dial connects to a socket as soon as it is there.
func dial(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	conn, err := address{path, -1}.dial(true, time.Now().Add(patience))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// send sends files to whoever listens at path, in one message.
func send(t testing.TB, path string, files ...*os.File) {
	t.Helper()
	conn := dial(t, path)
	defer conn.Close()
	if err := fdpass.Send(conn, files...); err != nil {
		t.Fatal(err)
	}
}

// socketPair is a blocking pair of stream sockets as files for ExtraFiles.
func socketPair(t testing.TB) (a, b *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// report prints what a program for socket activation would find.
func report() error {
	fmt.Printf("pid %v\n", strconv.Itoa(os.Getpid()) == os.Getenv("LISTEN_PID"))
	fmt.Printf("names %s\n", os.Getenv("LISTEN_FDNAMES"))
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil {
		return err
	}
	for fd := 3; fd < 3+n; fd++ {
		s, err := io.ReadAll(io.NewSectionReader(os.NewFile(uintptr(fd), ""), 0, 100))
		if err != nil {
			return err
		}
		fmt.Printf("%d %s", fd, s)
	}
	return others(n)
}

// others prints the descriptors beyond the n ones that this process should
// have been started with. Its runtime's own are close-on-exec, and what was
// inherited is not.
func others(n int) error {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range names {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			return err
		}
		flags, err := fcntl(fd, syscall.F_GETFD, 0)
		if err == nil && flags&syscall.FD_CLOEXEC == 0 && fd >= 3+n {
			to, _ := os.Readlink("/proc/self/fd/" + e.Name())
			fmt.Printf("inherited as well: %d %s\n", fd, to)
		}
	}
	return nil
}

// reported is what report prints for files of fdtest.Files in an order.
func reported(names string, files ...int) string {
	s := "pid true\nnames " + names + "\n"
	for i, f := range files {
		s += fmt.Sprintf("%d %s", 3+i, fdtest.Contents(f))
	}
	return s
}

// becomeInherited becomes report with the descriptors that it was started
// with, in the order of the arguments.
func becomeInherited(args []string) error {
	for fd := 3; fd < 20; fd++ {
		syscall.CloseOnExec(fd) // as received ones are
	}
	var files []*os.File
	for _, s := range args {
		fd, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		files = append(files, os.NewFile(uintptr(fd), s))
	}
	r := receiver{cmd: []string{self, "report"}, path: self}
	return r.become(batch{files: files})
}

// permutations of s, each a slice of its own.
func permutations(s []int) (all [][]int) {
	if len(s) == 0 {
		return [][]int{nil}
	}
	for i, v := range s {
		for _, p := range permutations(slices.Delete(slices.Clone(s), i, i+1)) {
			all = append(all, append([]int{v}, p...))
		}
	}
	return all
}
