// Package docs compares the documentation with the code: what it names exists,
// its programs build, and they print what it says.
package docs

import (
	"bytes"
	"context"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

const top = ".." // of the module

// texts returns all Markdown files, by path.
func texts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == ".git" {
			return fs.SkipDir
		}
		if err != nil || e.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "docs/cmsg.md"} {
		if found[filepath.Join(top, name)] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	return found
}

// goTool skips where there is no Go to build with.
func goTool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command, to build the documentation's programs")
	}
	return path
}

// program is a Go block and the output that the text says it has, or "".
type program struct{ code, output string }

// programs returns the Go blocks of a text that are whole programs. One that is only a
// piece has to be Go nevertheless.
func programs(t *testing.T, path, text string) (found []program) {
	t.Helper()
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatchIndex(text, -1)
	for _, m := range blocks {
		code, rest := text[m[2]:m[3]], text[m[1]:]
		if !strings.HasPrefix(code, "package main\n") {
			piece := "package p\nfunc _() {\n" + code + "}\n"
			if _, err := parser.ParseFile(token.NewFileSet(), path, piece, 0); err != nil {
				t.Errorf("%s: neither a program nor statements: %v\n%s", path, err, code)
			}
			continue
		}
		p := program{code: code}
		if i := strings.Index(rest, "```"); i >= 0 && strings.HasPrefix(rest[i:], "```output\n") {
			out, _, _ := strings.Cut(rest[i+len("```output\n"):], "```")
			p.output = out
		}
		found = append(found, p)
	}
	return found
}

func TestDoTheProgramsInTheDocumentationBuildAndRun(t *testing.T) {
	goBin := goTool(t)
	built, ran := 0, 0
	for path, text := range texts(t) {
		for _, p := range programs(t, path, text) {
			// A file on the command line belongs to the module that this runs in.
			dir := t.TempDir()
			file, bin := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
			if err := os.WriteFile(file, []byte(p.code), 0o600); err != nil {
				t.Fatal(err)
			}
			command(t, goBin, "vet", file)
			command(t, goBin, "build", "-o", bin, file)
			built++
			if p.output == "" || runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
				continue // the outputs are those of a 64-bit Linux
			}
			if got := command(t, bin); got != p.output {
				t.Errorf("%s: a program printed\n%s\nand not\n%s", path, got, p.output)
			}
			ran++
		}
	}
	if built < 3 {
		t.Errorf("only %d programs found", built)
	}
	t.Logf("programs built: %d, and run: %d", built, ran)
}

// command runs a program, which has two minutes, and returns what it printed.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(fdtest.Context(t), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, &errs)
	}
	return string(out)
}

func TestDoesEveryTestThatIsNamedExist(t *testing.T) {
	named := 0
	link := regexp.MustCompile("\\[`(Test\\w+)`\\]\\(([^)]+)\\)")
	bare := regexp.MustCompile("`Test\\w+`")
	for path, text := range texts(t) {
		links := link.FindAllStringSubmatch(text, -1)
		if n := len(bare.FindAllString(text, -1)); n != len(links) {
			t.Errorf("%s names %d tests, and %d with a link, as in [`TestIs…`](file_test.go)",
				path, n, len(links))
		}
		for _, m := range links {
			named++
			source, err := os.ReadFile(filepath.Join(filepath.Dir(path), m[2]))
			if err != nil {
				t.Errorf("%s: %s: %v", path, m[1], err)
			} else if !bytes.Contains(source, []byte("\nfunc "+m[1]+"(t *testing.T) {")) {
				t.Errorf("%s: there is no %s in %s", path, m[1], m[2])
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d tests are named", named)
	}
}

func TestDoesEveryLinkLeadToAFile(t *testing.T) {
	links := 0
	for path, text := range texts(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if links < 30 {
		t.Errorf("only %d links found", links)
	}
}
