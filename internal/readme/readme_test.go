// Package readme runs the README: its terminal transcripts, its command for
// renaming the module.
package readme

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

const top = "../.." // of the checkout

// read returns the README, where this runs in a checkout with a Go to build with.
func read(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command, to build what the README runs")
	}
	text, err := os.ReadFile(filepath.Join(top, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks returns the fenced parts in a language.
func blocks(text, language string) (found []string) {
	fence := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$")
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// run runs a script with the fdpass of this checkout, in its top folder, and
// returns what it wrote.
func run(t *testing.T, bin, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(fdtest.Context(t), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", script)
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// build makes the command as the README says and returns the folder it is in.
func build(t *testing.T, text string) string {
	t.Helper()
	line := regexp.MustCompile("`(go build -o )fdpass( [^`]+)`").FindStringSubmatch(text)
	if line == nil {
		t.Fatal("the README does not say how to build the command")
	}
	bin := t.TempDir()
	run(t, bin, line[1]+filepath.Join(bin, "fdpass")+line[2])
	return bin
}

// TestDoTheTranscriptsHappen runs them as they stand: each block is a terminal,
// and all are open at once. What is received may have other numbers elsewhere.
func TestDoTheTranscriptsHappen(t *testing.T) {
	fdtest.NoLeak(t)
	text := read(t)
	bin := build(t, text)
	text = strings.ReplaceAll(text, "/tmp/s", filepath.Join(fdtest.SocketDir(t), "s"))
	terminals := blocks(text, "console")
	if len(terminals) < 2 {
		t.Fatalf("%d transcripts in the README", len(terminals))
	}
	t.Run("all", func(t *testing.T) {
		for _, terminal := range terminals {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				command, want, _ := strings.Cut(terminal, "\n")
				command, ok := strings.CutPrefix(command, "$ ")
				if !ok {
					t.Fatalf("no command in\n%s", terminal)
				}
				// The second terminal is opened when the first one's socket is there.
				command = strings.Replace(command, "fdpass send", "fdpass send -wait", 1)
				got := run(t, bin, command)
				if strings.HasPrefix(command, "fdpass recv") {
					got, want = numberless(got), numberless(want)
				}
				if got != want {
					t.Errorf("%s\ngot:\n%s\nthe README has:\n%s", command, got, want)
				}
			})
		}
	})
}

// numberless makes texts the same that differ in numbers and in the width of
// columns that hold them. The sender's program has no name if it has ended before
// the receiver looks.
func numberless(s string) string {
	s = strings.Replace(s, " (fdpass) of user ", " of user ", 1)
	s = regexp.MustCompile(`\d+`).ReplaceAllString(s, "N")
	return regexp.MustCompile(` +`).ReplaceAllString(s, " ")
}

// TestDoesTheRenamedModuleBuild gives a copy of the module another path. A program
// that is built already has the path in it, too, and would not survive the change.
func TestDoesTheRenamedModuleBuild(t *testing.T) {
	fdtest.NoLeak(t)
	text := read(t)
	mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(mod), "\n"); !strings.HasPrefix(first, "module example.com/") {
		t.Skipf("the module has its home, and is not to be renamed: %s", first)
	}
	command := regexp.MustCompile("`(grep -rIlF [^`]+)`").FindStringSubmatch(strings.ReplaceAll(text, "\n", " "))
	if command == nil {
		t.Fatal("the README does not say how to rename the module")
	}
	dir := t.TempDir()
	copyModule(t, dir)
	const built = "\x00example.com/fdpass\x00"
	if err := os.WriteFile(filepath.Join(dir, "built"), []byte(built), 0o600); err != nil {
		t.Fatal(err)
	}
	const path = "git.example.org/you/fdpass"
	script := "cd " + dir + " && " + strings.ReplaceAll(command[1], "YOUR/PATH", path) + " && go vet ./... && gofmt -l ."
	if out := run(t, t.TempDir(), script); strings.Contains(out, ".go") {
		t.Errorf("after it gofmt changes\n%s", out)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "built")); string(b) != built {
		t.Errorf("a program that was built is %q, %v", b, err)
	}
	mod, err = os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !bytes.HasPrefix(mod, []byte("module "+path+"\n")) {
		t.Errorf("go.mod: %.60s, %v", mod, err)
	}
}

// TestDoesAModuleOfItsOwnUseAClone builds the README's program as somebody else's.
// It needs no network.
func TestDoesAModuleOfItsOwnUseAClone(t *testing.T) {
	fdtest.NoLeak(t)
	text := read(t)
	command := regexp.MustCompile(`(?m)^go mod edit .*$`).FindString(text)
	programs := blocks(text, "go")
	if command == "" || len(programs) == 0 {
		t.Fatal("the README does not say how to use a clone, or has no program")
	}
	dir := t.TempDir()
	copyModule(t, filepath.Join(dir, "fdpass"))
	app := filepath.Join(dir, "app")
	if err := os.Mkdir(app, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(app, "main.go"), []byte(programs[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, t.TempDir(),
		"cd "+app+" && export GOPROXY=off && go mod init example.org/app 2>/dev/null && "+command+" && go build")
}

// copyModule copies what belongs to the module.
func copyModule(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			if e.Name() == ".git" || name == "bench" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
