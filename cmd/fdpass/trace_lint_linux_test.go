package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
)

// trapsFound are what -lint -json finds in a program, sorted, each once. The
// status must say whether there are any.
func trapsFound(t *testing.T, program ...string) []string {
	t.Helper()
	out, status := traced(t, []string{"-lint", "-json"}, program...)
	found := []string{}
	for line := range lines.Of(out) {
		var r traceRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, f := range r.Wrong {
			found = append(found, f.Trap)
		}
	}
	if (status != 0) != (len(found) > 0) || status > 1 {
		t.Errorf("%q: status %d with %q", program, status, found)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// trapsIn are the traps that a program has, one by one, and what is found.
func trapsIn(t *testing.T, names []string, program ...string) {
	t.Helper()
	for _, name := range names {
		for _, c := range []struct {
			arg  string
			want []string
		}{{name, []string{name}}, {name + "-right", []string{}}} {
			if got := trapsFound(t, append(slices.Clone(program), c.arg)...); !slices.Equal(got, c.want) {
				t.Errorf("%s: found %q, want %q", c.arg, got, c.want)
			}
		}
	}
}

func TestAreTheTrapsFoundInProgramsInC(t *testing.T) {
	fdtest.NoLeak(t)
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc: apt-get install gcc libc6-dev")
	}
	program := filepath.Join(t.TempDir(), "traps")
	if out, err := exec.CommandContext(fdtest.Context(t), "gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, "testdata/traps.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	names := []string{"cloexec", "truncated", "table", "no-room", "pushed", "header", "empty", "end", "peek", "read"}
	if strconv.IntSize == 64 { // without padding there is no room that nobody wanted
		names = append(names, "room")
	}
	if exec.CommandContext(fdtest.Context(t), program, "oob").Run() == nil { // needs Linux 5.15
		names = append(names, "oob")
	}
	trapsIn(t, names, program)
	for name, want := range map[string][]string{"ignored": {"truncated"}, "two": {}, "reused": {}} {
		if got := trapsFound(t, program, name); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", name, got, want)
		}
	}
}

func TestAreTheTrapsFoundInProgramsInPython(t *testing.T) {
	fdtest.NoLeak(t)
	if err := exec.CommandContext(fdtest.Context(t), "python3", "-c", "import socket; socket.recv_fds").Run(); err != nil {
		t.Skip("needs Python 3.9: apt-get install python3")
	}
	trapsIn(t, []string{"cloexec", "pushed", "read", "truncated"}, "python3", "testdata/traps.py")
}

func TestDoesTheLinkOfATrapLeadSomewhere(t *testing.T) {
	text, err := os.ReadFile("../../docs/cmsg.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("needs a checkout: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var anchors []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(anchor, " ", "-"))
	}
	for trap, anchor := range traps {
		if !slices.Contains(anchors, anchor) {
			t.Errorf("%s: no heading for %s among %q", trap, anchor, anchors)
		}
	}
	help := ""
	for _, topic := range topics {
		if topic.name == "lint" {
			help = topic.text
		}
	}
	for trap := range traps {
		if !strings.Contains(help, "\n  "+trap+" ") {
			t.Errorf("fdpass help lint does not explain %s", trap)
		}
	}
}
