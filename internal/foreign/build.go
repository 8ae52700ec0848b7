package foreign

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"example.com/fdpass/internal/lines"
)

// Binary is the tests of one package, built for a target.
type Binary struct {
	Package string // below the module's path: "rawmsg", or "." for the package at the top
	Source  string // the package's directory, where its tests expect to run
	File    string // the program
	Leave   string // for -test.skip: the tests in it that need this machine's programs, or nothing
}

// excluded are the packages that only make sense on the machine that builds:
// they run the go command, compilers or other people's programs, or read the
// sources.
var excluded = []string{"bench", "docs", "examples", "internal/interop", "internal/readme", "internal/site"}

// Host are the tests, by package, that talk to other programs of the machine
// that they run on, so that it is those programs that they test: shells, ssh,
// readlink, C compilers. They are left out on a foreign architecture.
var Host = map[string]string{
	"cmd/fdpass": "^(TestWhatDoShellsComplete|TestDoesSSHUseTheConnection|TestDoesAnyMessageEndMany|" +
		"TestDoesAFullTableKeepOthersFromBeingServed|TestWhereDoesThePayloadGo|TestWhatIsTheStandardInputOfAProgramAfterASocket)$",
	"internal/abi": "^TestDoCompilersAgree$",
}

// Build builds the tests of every package that has some into dir, or of those
// packages that are named.
func Build(ctx context.Context, t Target, dir string, only ...string) ([]Binary, error) {
	binaries, err := list(ctx, t, only)
	if err != nil {
		return nil, err
	}
	for i, b := range binaries {
		name := strings.ReplaceAll(b.Package, "/", "-") + ".test"
		binaries[i].File = filepath.Join(dir, "test-"+strings.TrimPrefix(name, "."))
		if _, err := goCommand(ctx, t, "test", "-c", "-ldflags=-s -w", "-o", binaries[i].File, b.Source); err != nil {
			return nil, err
		}
	}
	return binaries, nil
}

// Compile builds one program of the module.
func Compile(ctx context.Context, t Target, pkg, file string) error {
	_, err := goCommand(ctx, t, "build", "-ldflags=-s -w", "-o", file, pkg)
	return err
}

// list finds the packages with tests.
func list(ctx context.Context, t Target, only []string) (binaries []Binary, err error) {
	const format = `{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{"\t"}}{{.Module.Dir}}{{end}}`
	out, err := goCommand(ctx, t, "list", "-f", format, "./...")
	if err != nil {
		return nil, err
	}
	for line := range lines.Of(out) {
		dir, module, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		pkg, err := filepath.Rel(module, dir)
		if err != nil {
			return nil, err
		}
		pkg = filepath.ToSlash(pkg)
		if !isExcluded(pkg) && (len(only) == 0 || slices.Contains(only, pkg)) {
			binaries = append(binaries, Binary{Package: pkg, Source: dir, Leave: Host[pkg]})
		}
	}
	if len(binaries) == 0 {
		return nil, fmt.Errorf("%v: no package has tests", t)
	}
	return binaries, nil
}

func isExcluded(pkg string) bool {
	for _, e := range excluded {
		if pkg == e || strings.HasPrefix(pkg, e+"/") {
			return true
		}
	}
	return false
}

func goCommand(ctx context.Context, t Target, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), t.Env()...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v: go %s: %w\n%s", t, strings.Join(args, " "), err, complaint.String())
	}
	return string(out), nil
}
