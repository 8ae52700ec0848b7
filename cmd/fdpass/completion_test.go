package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// completed asks a shell what may stand at the end of a line.
type shell struct {
	name   string
	script string // prints the words for the line in "$1", in any order
}

// The shells' own functions are used where they can be without a terminal;
// zsh's are replaced by some that print what they are given.
var shells = []shell{
	{"bash", `source ./fdpass.bash
COMP_LINE=$1 COMP_POINT=${#1}
read -ra COMP_WORDS <<<"$1"
[[ $1 != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
_fdpass
printf '%s\n' "${COMPREPLY[@]}"`},
	{"fish", `source ./fdpass.fish; complete -C $argv[1] | string replace -r '\t.*' ''; true`},
	{"zsh", `compdef() { :; }
_describe() { print -l ${commands%%:*} }
_arguments() { print -rl -- ${@%%\[*} ${=${(M)@:#\*:*}//[()]/ } }
source ./fdpass.zsh
words=(${=1}); [[ $1 != *' ' ]] || words+=('')
CURRENT=$#words
_fdpass`},
}

func TestWhatDoShellsComplete(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("tests the shells of Linux")
	}
	for _, s := range shells {
		t.Run(s.name, func(t *testing.T) {
			path, err := exec.LookPath(s.name)
			if err != nil {
				t.Skipf("no %[1]s: apt-get install %[1]s", s.name)
			}
			var b strings.Builder
			if err := completion(&b, []string{s.name}); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "fdpass."+s.name), []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			for line, want := range map[string]string{
				"fdpass ":               "demo recv send relay layout decode help completion",
				"fdpass la":             "layout",
				"fdpass recv -":         "-cat -connect -many -n -names -timeout",
				"fdpass relay -":        "-timeout -wait",
				"fdpass layout ":        "s390x all",
				"fdpass completion ":    "bash zsh fish",
				"fdpass help ":          "room recv",
				"fdpass decode -arch s": "s390x",
			} {
				if s.name == "zsh" && strings.Contains(line, "-arch") {
					continue // left to zsh's own _arguments
				}
				got := " " + s.complete(t, path, dir, line) + " "
				for _, w := range strings.Fields(want) {
					if !strings.Contains(got, " "+w+" ") {
						t.Errorf("%q: no %s among%s", line, w, got)
					}
				}
				if strings.HasPrefix(line, "fdpass recv") && strings.Contains(got, " -arch ") {
					t.Errorf("%q: another command's flag among%s", line, got)
				}
			}
		})
	}
}

func (s shell) complete(t *testing.T, path, dir, line string) string {
	t.Helper()
	args := []string{"-c", s.script, "-", line}
	if s.name == "fish" {
		args = []string{"-c", s.script, line}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", line, err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestIsAnUnknownShellRefused(t *testing.T) {
	for _, args := range []string{"", "csh", "bash zsh"} {
		if err := completion(nil, strings.Fields(args)); err == nil {
			t.Errorf("%q is fine", args)
		}
	}
}
