package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
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

// trapsIn runs a program with each trap, one by one, and without it, and checks
// what is found.
func trapsIn(t *testing.T, program ...string) {
	t.Helper()
	run := func(arg string) []string { return append(slices.Clone(program), arg) }
	for _, name := range slices.Sorted(maps.Keys(traps)) {
		alone := exec.CommandContext(fdtest.Context(t), program[0], run(name)[1:]...)
		switch {
		case name == "room" && strconv.IntSize == 32:
			continue // without padding there is no room that nobody wanted
		case name == "oob" && alone.Run() != nil:
			t.Log("oob needs Linux 5.15")
			continue
		}
		if got := trapsFound(t, run(name)...); !slices.Equal(got, []string{name}) {
			t.Errorf("%s: found %q", name, got)
		}
		if got := trapsFound(t, run(name+"-right")...); len(got) > 0 {
			t.Errorf("%s without the trap: found %q", name, got)
		}
	}
}

func TestAreTheTrapsFoundInProgramsInC(t *testing.T) {
	fdtest.NoLeak(t)
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc: apt-get install gcc libc6-dev")
	}
	program := filepath.Join(t.TempDir(), "traps")
	args := []string{"-O1", "-Wall", "-Wextra", "-Werror", "-o", program, "testdata/traps.c"}
	if out, err := exec.CommandContext(fdtest.Context(t), "gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	trapsIn(t, program)
	others := map[string][]string{"ignored": {"truncated"}, "two": {}, "reused": {}, "look": {}}
	for name, want := range others {
		if got := trapsFound(t, program, name); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", name, got, want)
		}
	}
}

func TestAreTheTrapsFoundInProgramsInPython(t *testing.T) {
	fdtest.NoLeak(t)
	python := exec.CommandContext(fdtest.Context(t), "python3", "-c", "import socket; socket.recv_fds")
	if err := python.Run(); err != nil {
		t.Skip("needs Python 3.9: apt-get install python3")
	}
	trapsIn(t, "python3", "testdata/traps.py")
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
