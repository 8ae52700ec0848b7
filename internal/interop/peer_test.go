//go:build linux

package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// patience bounds every wait. No test takes nearly as long, unless something
// hangs.
const patience = 30 * time.Second

// program finds a program that a Debian package brings, in the places where
// such packages put theirs first: a version manager's python3, say, is another.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/bin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, pkg)
	}
	return path
}

// missing skips t, or fails it where everything is meant to be installed.
func missing(t *testing.T, what, pkg string) {
	t.Helper()
	if os.Getenv("FDPASS_INTEROP") == "all" {
		t.Fatalf("%s is not there, which package %s brings", what, pkg)
	}
	t.Skipf("needs %s: apt-get install %s, or make interop", what, pkg)
}

// compiled returns a C program of testdata, built against a library whose header a
// Debian package brings.
func compiled(t *testing.T, name, header, pkg string, flags ...string) string {
	t.Helper()
	cc := program(t, "cc", "gcc")
	if _, err := os.Stat("/usr/include/" + header); err != nil {
		missing(t, header, pkg)
	}
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{"-o", path, filepath.Join("testdata", name+".c")}, flags...)
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("cc %s: %v\n%s", name, err, out)
	}
	return path
}

// clean makes t fail if it leaves descriptors or processes behind. Call it
// first.
func clean(t *testing.T) {
	t.Helper()
	fdtest.NoLeak(t)
	// Orphans of what this process starts become its own children.
	const prSetChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER of linux/prctl.h
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		t.Fatalf("prctl: %v", errno)
	}
	t.Cleanup(func() {
		t.Helper()
		if left := leftBehind(patience); left != nil {
			t.Errorf("processes left behind: %q", left)
		}
	})
}

// leftBehind waits until this process has no children any more, and returns
// those that it still has when that takes too long.
func leftBehind(wait time.Duration) []string {
	for end := time.Now().Add(wait); ; time.Sleep(5 * time.Millisecond) {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.ECHILD {
			return nil
		}
		if pid <= 0 && time.Now().After(end) {
			return children()
		}
	}
}

// children returns the child processes of this one, for a message.
func children() (out []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, name := range stats {
		status, _ := os.ReadFile(name)
		if bytes.Contains(status, fmt.Appendf(nil, "\nPPid:\t%d\n", os.Getpid())) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
			out = append(out, strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " ")))
		}
	}
	return out
}

// peer is a program that a test has started.
type peer struct {
	*exec.Cmd
	name   string
	stderr string        // path of a file with its standard error
	exited chan struct{} // closed when it has ended, with
	err    error
}

// start starts cmd, with its standard error in a file that is shown if t fails.
// It is ended at the end of t if it has not ended by then. Of the files in
// ExtraFiles, descriptors 3 and on, and of those that are its standard input
// and output, this process keeps none.
func start(t *testing.T, cmd *exec.Cmd) *peer {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// Not even a test binary that panics leaves it running.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	err = cmd.Start()
	keepNone(cmd)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{Cmd: cmd, name: filepath.Base(cmd.Path), stderr: log.Name(), exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() { p.end(t) })
	return p
}

// keepNone closes what cmd was given, which has its own by now.
func keepNone(cmd *exec.Cmd) {
	files := cmd.ExtraFiles
	if in, ok := cmd.Stdin.(*os.File); ok {
		files = append(files, in)
	}
	if out, ok := cmd.Stdout.(*os.File); ok {
		files = append(files, out)
	}
	for _, f := range files {
		f.Close()
	}
}

// end ends the program by its process id, and shows what it said if t failed.
func (p *peer) end(t *testing.T) {
	p.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience / 3):
		p.Process.Kill()
		<-p.exited
	}
	if t.Failed() {
		t.Logf("%s (%v) said:\n%s", p.name, p.ProcessState, p.said())
	}
}

// ended reports whether the program has ended.
func (p *peer) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// said returns what the program has written to its standard error so far.
func (p *peer) said() string {
	text, _ := os.ReadFile(p.stderr)
	return string(text)
}

// wait waits for the program's end, which must be a success.
func (p *peer) wait(t *testing.T) {
	t.Helper()
	if err := p.result(t); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
}

// result waits for the program's end and returns what exec.Cmd.Wait did.
func (p *peer) result(t *testing.T) error {
	t.Helper()
	select {
	case <-p.exited:
		return p.err
	case <-time.After(patience):
		t.Fatalf("%s does not end", p.name)
		return nil
	}
}

// until tries something that the program has to be ready for, again and again
// until it works or the program has ended.
func (p *peer) until(t *testing.T, try func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if p.ended() {
			t.Fatalf("%s has ended: %v (and %v)", p.name, p.err, err)
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %v", p.name, err)
		}
	}
}

// has checks that p has open what these files and sockets are open on.
func has[F syscall.Conn](t *testing.T, p *peer, files []F) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			open[to] = true
		}
	}
	for i, f := range files {
		to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", number(t, f)))
		if err != nil {
			t.Fatal(err)
		}
		if !open[to] {
			t.Errorf("%s does not have number %d, %s", p.name, i, to)
		}
	}
}
