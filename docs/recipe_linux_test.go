package docs

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestDoesTheRecipeReceive(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs Python: apt-get install python3")
	}
	fdtest.NoLeak(t)
	for _, way := range []string{"ctypes", "recv_fds"} {
		mine, its := fdtest.Pair(t, syscall.SOCK_STREAM)
		if err := fdpass.SendFDs(mine, fdtest.FDs(t, 2)...); err != nil {
			t.Fatal(err)
		}
		dup, err := syscall.Dup(its)
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(dup), "socket")
		cmd := exec.CommandContext(fdtest.Context(t), python, "../bench/recipe/recipe.py", way)
		cmd.Stdin = strings.NewReader("recv 2 1\n")
		cmd.ExtraFiles = []*os.File{file} // descriptor 3
		cmd.WaitDelay = time.Minute
		out, err := cmd.CombinedOutput()
		file.Close()
		if err != nil || !regexp.MustCompile(`^\d+ \d+ 0 0\n$`).Match(out) {
			t.Errorf("%s: %v\n%s", way, err, out)
		}
	}
}
