package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// writers are ways to call each command that writes to standard output.
var writers = [][]string{
	{"-h"}, {"--version"}, {"help"}, {"help", "room"}, {"recv", "-h"},
	{"layout"}, {"layout", "-json"}, {"layout", "-svg"},
	{"decode", "10000000 01000000 01000000 05000000"},
	{"decode", "-json", "10000000 01000000 01000000 05000000"},
	{"completion", "bash"}, {"demo"}}

func TestIsOutputThatCannotBeWrittenAnError(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("%v: needs /dev/full", err)
	}
	defer full.Close()
	unwritable, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer unwritable.Close()
	for _, args := range writers {
		reasons := map[*os.File]string{full: "no space left on device", unwritable: "bad file descriptor"}
		for f, want := range reasons {
			p := fdpassCommand(t, args...)
			p.Stdout = f
			p.begin()
			p.fail(1, want)
			if n := strings.Count(p.err.String(), "\n"); n != 1 {
				t.Errorf("%q: %d lines of errors:\n%s", args, n, p.err.String())
			}
		}
	}
}

// The writer of trace -o fails in its own time, and again when it is closed.
func TestIsAFullDiskSaidOnce(t *testing.T) {
	fdtest.NoLeak(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("%v: needs /dev/full", err)
	}
	w := newSlowWriter(full)
	if _, err := w.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	for _, err := range []error{w.flush(), w.flush(), w.Close()} {
		if want := "write /dev/full: no space left on device"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Behind "| head" nobody reads on.
func TestDoesABrokenPipeEndItQuietly(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	for _, args := range writers {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		p := fdpassCommand(t, args...)
		p.Stdout = w
		p.begin()
		w.Close()
		code := p.end()
		status := p.ProcessState.Sys().(syscall.WaitStatus)
		byPipe := status.Signal() == syscall.SIGPIPE || code == 128+int(syscall.SIGPIPE)
		if p.err.String() != "" || !byPipe {
			t.Errorf("%q: status %d, %v, stderr %q", args, code, p.ProcessState, p.err.String())
		}
	}
}

// The reader goes after the first line: the sender has written, the receiver has not.
func TestDoesTheDemoEndQuietlyBehindHead(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	for _, lines := range []int{1, 5, 20} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := fdpassCommand(t, "demo")
		p.Stdout = w
		p.begin()
		w.Close()
		for b := make([]byte, 1); lines > 0; {
			if _, err := io.ReadFull(r, b); err != nil {
				t.Fatal(err)
			}
			if b[0] == '\n' {
				lines--
			}
		}
		r.Close()
		code := p.end()
		if s := p.err.String(); s != "" || code == 1 || code == 2 {
			t.Errorf("status %d, stderr %q", code, s)
		}
	}
}

func TestWhatDoesTheDemoSayOfAnUnusableTMPDIR(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	for _, dir := range []string{"/no/such/dir", "/dev/null"} {
		p := fdpassCommand(t, "demo")
		p.Env = append(p.Environ(), "TMPDIR="+dir)
		p.begin()
		p.fail(1, "demo: no temporary file in "+dir+", which comes from TMPDIR: ")
		if out := p.out.String(); out != "" {
			t.Errorf("it began all the same:\n%s", out)
		}
	}
}

func TestWhichVersionIsIt(t *testing.T) {
	fdtest.NoLeak(t)
	for _, flag := range []string{"--version", "-version"} {
		out := startFdpass(t, flag).succeed()
		if !regexp.MustCompile(`^fdpass \S+, \S.*\S linux/\w+\n$`).MatchString(out) {
			t.Errorf("%s: %q", flag, out)
		}
	}
}

func TestIsALengthOfTimeExplained(t *testing.T) {
	fdtest.NoLeak(t)
	for _, c := range []struct{ args, want string }{
		{"recv -timeout 1 /tmp/s", `-timeout: a number without a unit: write 1s for seconds, 1m for minutes`},
		{"recv -timeout=0.5 /tmp/s", "write 0.5s for seconds"},
		{"send -timeout -1s /tmp/s /dev/null",
			"-timeout: a length of time cannot be negative; 0 is no limit"},
		{"send -timeout -1 /tmp/s /dev/null", "a length of time such as 500ms, 10s or 1m30s"},
		{"recv -timeout soon /tmp/s", "a length of time such as 500ms, 10s or 1m30s"},
		{"recv -timeout 10S /tmp/s", "a length of time such as"},
		{"recv -timeout", "flag needs an argument"},
	} {
		startFdpass(t, strings.Fields(c.args)...).fail(2, c.want)
	}
}
