package docs

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/fdtest"
)

// libraries are C compilers, by the library that they compile for.
var libraries = map[string]struct{ compiler, packages string }{
	"glibc": {"gcc", "gcc libc6-dev"},
	"musl":  {"musl-gcc", "musl-tools"},
}

// outputs returns what a C program says that it prints, by library. It stands in the
// comment at its beginning; an output without a library's name is for all of them.
func outputs(t *testing.T, source string) map[string]string {
	t.Helper()
	comment, _, _ := strings.Cut(source, "*/")
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ \* Prints(?: with (\w+))?:\n((?: \* .+\n)+)`).FindAllStringSubmatch(comment, -1) {
		found[m[1]] = strings.ReplaceAll(strings.TrimPrefix(m[2], " * "), "\n * ", "\n")
	}
	if both, ok := found[""]; ok {
		delete(found, "")
		for library := range libraries {
			found[library] = both
		}
	}
	if len(found) == 0 {
		t.Error("the program does not say what it prints")
	}
	return found
}

// compile makes a program of a C file with the compiler for a library, or skips.
func compile(t *testing.T, library, file string, flags ...string) (program string) {
	t.Helper()
	l := libraries[library]
	if _, err := exec.LookPath(l.compiler); err != nil {
		t.Skipf("needs %s: apt-get install %s", l.compiler, l.packages)
	}
	if runtime.GOOS != "linux" || strconv.IntSize != 64 {
		t.Skip("the outputs are those of a 64-bit Linux")
	}
	program = filepath.Join(t.TempDir(), "program")
	args := append([]string{"-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program, file}, flags...)
	command(t, l.compiler, args...)
	return program
}

// run compiles a program of the folder c, and compares what it prints with what
// it says.
func run(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join("c", name)
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for library, want := range outputs(t, string(source)) {
		t.Run(library, func(t *testing.T) {
			out, err := exec.CommandContext(fdtest.Context(t), compile(t, library, file)).Output()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == 77 {
				t.Skipf("%s", exit.Stderr)
			}
			if err != nil || string(out) != want {
				t.Errorf("%v: printed\n%s\nand not\n%s", err, out, want)
			}
		})
	}
}

func TestDoesTheWholeMechanismWorkInC(t *testing.T) { run(t, "receive.c") }

func TestWhatIsSentIfCmsgLenIsCmsgSpace(t *testing.T) { run(t, "space_as_len.c") }

func TestDoesCmsgNxthdrNeedTheLengthOfThisHeader(t *testing.T) { run(t, "nxthdr.c") }

func TestHowLongMayASentControlBufferBe(t *testing.T) { run(t, "optmem.c") }

func TestDoesAShortReadMeanThatTheSocketIsEmpty(t *testing.T) { run(t, "edge.c") }

func TestWhichTypesDoesTheCLibraryUse(t *testing.T) { run(t, "types.c") }

func TestDoesTheKernelNeedAnAlignedBuffer(t *testing.T) { run(t, "alignment.c") }

func TestWhereDoesETOOMANYREFSBegin(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become a user who has no descriptors under way")
	}
	run(t, "inflight.c")
}

func TestDoesTheCompilerNeedAnAlignedBuffer(t *testing.T) {
	program := compile(t, "glibc", "c/alignment.c", "-fsanitize=alignment", "-fno-sanitize-recover=all")
	cmd := exec.CommandContext(fdtest.Context(t), program)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil || string(out) != "aligned: 1 arrived\n" ||
		!strings.Contains(stderr.String(), "misaligned address") {
		t.Errorf("printed %q and ended with %v\n%s", out, err, &stderr)
	}
}

// A pointer into the data is of the data's type, and an access through it is to
// be aligned. After a header of 12 bytes it is not.
func TestIsTheDataOfAMessageAlignedForItsType(t *testing.T) {
	for name, want := range map[string]bool{"amd64": true, "arm64": true, "arm": false, "mips": false} {
		a, err := abi.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		m, ok := a.Message(abi.SO_TIMESTAMPNS_NEW)
		if !ok || m.Payload.Align != 8 {
			t.Fatalf("%s: the payload is aligned to %d", name, m.Payload.Align)
		}
		if got := a.HeaderLen()%m.Payload.Align == 0; got != want {
			t.Errorf("%s: data after a header of %d bytes are aligned: %v", name, a.HeaderLen(), got)
		}
	}
}

func TestIsEveryCProgramRun(t *testing.T) {
	files, err := filepath.Glob("c/*.c")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d programs, %v", len(files), err)
	}
	tests, err := os.ReadFile("c_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.Contains(string(tests), `run(t, "`+filepath.Base(f)+`")`) {
			t.Errorf("no test runs %s", f)
		}
	}
}
