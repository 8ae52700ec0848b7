package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
)

func TestDoesEachCommandExplainItselfOnStdout(t *testing.T) {
	fdtest.NoLeak(t)
	asked := [][]string{{"-h"}, {"--help"}}
	for _, c := range commands() {
		asked = append(asked, []string{c.name, "-h"})
	}
	for _, args := range asked {
		p := startFdpass(t, args...)
		if out := p.succeed(); !strings.Contains(out, "usage: fdpass") || p.err.String() != "" {
			t.Errorf("%q: stdout %q, stderr %q", args, out, p.err.String())
		}
	}
}

func TestIsWrongUsageStatus2(t *testing.T) {
	fdtest.NoLeak(t)
	for _, c := range []struct{ args, message string }{
		{"fly", "there is no command"},
		{"recv", "SOCKET is needed"},
		{"recv -x /tmp/s", "-x"},
		{"recv /tmp/s -cat", "flags go before SOCKET"},
		{"recv /tmp/s --", "-- CMD"},
		{"recv /tmp/s cat", "-- CMD"},
		{"recv -cat /tmp/s -- cat", "either -cat, -json or CMD"},
		{"recv -names a /tmp/s", "-names"},
		{"recv -block /tmp/s", "-block"},
		{"recv -n -1 /tmp/s", "-n -1: a number of descriptors is not negative"},
		{"recv fd:1", "where the output goes"},
		{"recv fd:x", "fd:N"},
		{"send /tmp/s", "FILE"},
		{"send @ /dev/null", "the address of the socket is empty"},
		{"relay @ /tmp/s", "the address of the socket is empty"},
		{"relay /tmp/s", "LISTEN and CONNECT"},
		{"relay /tmp/s -wait /tmp/t", "LISTEN and CONNECT"},
		{"relay /tmp/s -wait", "flags go before"},
		{"relay /tmp/s fd:0", "CONNECT is a path"},
		{"relay /tmp/s /tmp/s", "are the same"},
		{"trace -p 0", "a process has a number from 1 on"},
		{"trace -p x", "a process has a number from 1 on"},
		{"layout -fds x", `invalid value "x" for flag -fds: not a number`},
		{"recv -n 99999999999999999999 /tmp/s", `"99999999999999999999" for flag -n: too large`},
	} {
		startFdpass(t, strings.Fields(c.args)...).fail(2, c.message)
	}
	p := startFdpass(t)
	if code := p.end(); code != 2 || !strings.Contains(p.err.String(), "usage: fdpass COMMAND") {
		t.Errorf("no arguments: status %d, stderr %q", code, p.err.String())
	}
}

func TestDoesTheDemoReadFilesWithoutNames(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	out := startFdpass(t, "demo").succeed()
	for _, want := range []string{"SCM_RIGHTS", "cmsg_len", "cmsg_level", "cmsg_type", "fd[2]",
		"Linux version", "deleted before it was sent", "waiting in a pipe"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not show %q:\n%s", want, out)
		}
	}
	for line := range lines.Of(out) {
		if n := len([]rune(line)) - 1; n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDoesTheDemoTakeAnyFile(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "", "binary": "\x7fELF\x00\x1b[2J", "long": strings.Repeat("long\t", 1000), "c1": "\u009b2J",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"demo"}
	for _, name := range []string{"empty", "binary", "long", "c1", ""} {
		args = append(args, filepath.Join(dir, name))
	}
	out := startFdpass(t, args...).succeed()
	for _, want := range []string{
		"(empty)", "c2 9b 32 4a", "7f 45 4c 46 00 1b", "long long", "(cannot be read: is a directory)",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not show %q:\n%s", want, out)
		}
	}
	if strings.ContainsAny(out, "\x1b\u009b") {
		t.Error("a file's bytes went to the terminal as they are")
	}
	startFdpass(t, "demo", "/no/such/file").fail(1, "no such file")
	startFdpass(t, append([]string{"demo"}, make([]string, 254)...)...).fail(2, "254 files, and one message has at most 253")
}
