package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// shell is how to ask a shell what may stand at the end of lines. The script gets
// the lines as its arguments and prints "== LINE" and the words for each, in any
// order and with anything between them.
type shell struct{ name, script string }

// bashCompletion is what knows how other commands' lines are completed in bash.
const bashCompletion = "/usr/share/bash-completion/bash_completion"

// Fish completes lines without a terminal, zsh has one of its own, and bash's
// function gets the words as bash splits them. What zsh is sent first has no character
// that the terminal obeys itself, since zsh may not have taken it over yet. When its
// prompt is there, it has: before that, the terminal may show a line in the middle of
// something else.
var shells = []shell{
	{"bash", `[ ! -r ` + bashCompletion + ` ] || source ` + bashCompletion + `
source ./fdpass.bash
compopt() { :; }
for line; do
	COMP_LINE=$line COMP_POINT=${#line}
	read -ra COMP_WORDS <<<"${line//=/ = }"
	[[ $line != *[' ='] ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
	_fdpass
	printf '%s\n' "== $line" "${COMPREPLY[@]}"
done`},
	{"fish", `source ./fdpass.fish
for line in $argv; echo "== $line"; complete -C $line | string replace -r '\t.*' ''; end; true`},
	{"zsh", `zmodload zsh/zpty
zpty z "TERM=dumb zsh -f -i"
zpty -w z "stty cols 200 rows 200; unsetopt beep; LISTMAX=1000"
zpty -w z "bindkey '^I' list-choices; bindkey '^G' kill-whole-line"
zpty -w z "autoload -U compinit; compinit -u -d dump; source ./fdpass.zsh"
zpty -w z "PS1='REA''DY '"
for line; do
	zpty -r -m z out '*READY*'
	zpty -n -w z "$line"$'\t\x07'"print DO''NE"$'\n'
	zpty -r -m z out '*DONE*'
	print -r -- "== $line"
	print -r -- "${out//$line/}"
done
zpty -d z`},
}

// completed are lines, what has to be among the words for them, and what must not.
var completed = []struct{ line, want, not string }{
	{"fdpass ", "demo recv send relay layout decode trace help completion", "-arch activate"},
	{"fdpass la", "layout", "recv"},
	{"fdpass recv -", "-cat -connect -many -n -names -timeout", "-arch"},
	{"fdpass relay -", "-timeout -wait", "-cat"},
	{"fdpass recv /tmp/s ", "--", "-cat"},
	{"fdpass recv -type ", "stream seqpacket dgram", "-cat"},
	{"fdpass layout ", "s390x all", "-arch"},
	{"fdpass layout s390x -sh", "-show", "s390x"},
	{"fdpass layout -with cred,p", "cred,pidfd", "pidfd"},
	{"fdpass layout -with cred,pidfd,", "cred,pidfd,inq", "cred,pidfd,cred"},
	{"fdpass completion ", "bash zsh fish", "recv"},
	{"fdpass help ", "room recv", "-arch"},
	{"fdpass decode -arch s", "s390x", "amd64"},
	{"fdpass decode -file fdpass.", "", "s390x"},
	{"fdpass trace -", "-o", "-arch"},
	{"fdpass trace -e ", "rights cred pidfd security timestamp inq other", "-o"},
	{"fdpass trace -e rights,p", "rights,pidfd", "rights,rights"},
	{"fdpass trace -t -e cred,inq,", "cred,inq,rights cred,inq,other", "cred,inq,cred cred,inq,inq"},
}

// values after a = have its flag in front of them, but not in bash, to which they
// are words.
var completedValues = []struct{ line, flag, want string }{
	{"fdpass decode -arch=s", "-arch=", "s390x"},
	{"fdpass layout -show=message,", "-show=", "message,iovec"},
	{"fdpass trace -e=cred,t", "-e=", "cred,timestamp"},
}

// delegated are lines whose end is another command's.
var delegated = []struct{ line, want, not string }{
	{"fdpass trace fdpass la", "layout", "recv"},
	{"fdpass trace -v fdpass layout -", "-show", "-v -o"},
	{"fdpass trace -o /tmp/x fdpass recv -", "-cat", "-o -v"},
	{"fdpass trace -e rights,cred fdpass la", "layout", "rights"},
	{"fdpass recv /tmp/s -- fdpass la", "layout", "recv"},
	{"fdpass recv -n 1 /tmp/s -- fdpass layout -", "-show", "-cat"},
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
			all := slices.Clone(completed)
			for _, v := range completedValues {
				if s.name != "bash" {
					v.want = v.flag + v.want
				}
				all = append(all, struct{ line, want, not string }{v.line, v.want, "-json"})
			}
			if _, err := os.Stat(bashCompletion); err == nil || s.name != "bash" {
				all = append(all, delegated...)
			} else {
				t.Log("bash does not complete other commands' lines: apt-get install bash-completion")
			}
			var lines []string
			for _, c := range all {
				lines = append(lines, c.line)
			}
			words := s.complete(t, path, lines)
			for _, c := range all {
				got := words[c.line]
				for _, w := range strings.Fields(c.want) {
					if !slices.Contains(got, w) {
						t.Errorf("%q: no %s among %q", c.line, w, got)
					}
				}
				for _, w := range strings.Fields(c.not) {
					if slices.Contains(got, w) {
						t.Errorf("%q: %s among %q", c.line, w, got)
					}
				}
			}
		})
	}
}

// complete returns the words for each line.
func (s shell) complete(t *testing.T, path string, lines []string) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	var script strings.Builder
	if err := completion(&script, []string{s.name}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"fdpass." + s.name: script.String(), "script": s.script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(fdtest.Context(t), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{"script"}, lines...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "PATH="+commandPath(t)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	words := map[string][]string{}
	for _, part := range strings.Split(string(out), "== ") {
		line, rest, _ := strings.Cut(part, "\n")
		words[strings.TrimSuffix(line, "\r")] = strings.Fields(rest)
	}
	return words
}

// commandPath is a folder with the command fdpass.
func commandPath(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("%v: needs Go, to build the command", err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(fdtest.Context(t), "go", "build", "-o", filepath.Join(dir, "fdpass"), ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestIsAnUnknownShellRefused(t *testing.T) {
	for _, args := range []string{"", "csh", "bash zsh"} {
		if err := completion(nil, strings.Fields(args)); err == nil {
			t.Errorf("%q is fine", args)
		}
	}
}
