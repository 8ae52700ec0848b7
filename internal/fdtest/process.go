package fdtest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// roleVariable names the role that a test binary plays when it is started by
// another test instead of by go test.
const roleVariable = "FDPASS_TEST_ROLE"

// emulatorVariable holds the words to put before the test binary's own path,
// where the kernel cannot start it by itself.
const emulatorVariable = "FDPASS_TEST_EMULATOR"

// Reads is a role that every test binary has: it reads its standard input to the end.
const Reads = "reads"

// Main is for TestMain: it plays the role that this process was started for
// and exits, or else runs the tests.
func Main(m *testing.M, roles map[string]func(args []string) error) {
	Role(roles)
	os.Exit(m.Run())
}

// Role is the first half of [Main], for a TestMain that has more to do. It does not
// return if this process was started for a role. A role gets the arguments that
// [Command] was given. If it returns an error, the process ends with status 1.
func Role(roles map[string]func(args []string) error) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return
	}
	if name == Reads {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	role, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no role %q\n", name)
		os.Exit(2)
	}
	if err := role(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Command returns this test binary as a second process in the given role, with its
// standard error shown. It is not started yet; ExtraFiles are descriptors from
// 3 on.
func Command(t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	words := append(strings.Fields(os.Getenv(emulatorVariable)), self)
	words = append(words, args...)
	cmd := exec.CommandContext(Context(t), words[0], words[1:]...)
	// The race detector would keep each process for another second.
	race := "GORACE=" + os.Getenv("GORACE") + " atexit_sleep_ms=0"
	cmd.Env = append(os.Environ(), roleVariable+"="+role, race)
	cmd.Stderr = os.Stderr
	return cmd
}

// Reading starts a process in the role [Reads]. The function ends it, and checks that
// it ends well.
func Reading(t testing.TB) (pid int, end func()) {
	t.Helper()
	cmd := Command(t, Reads)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, func() {
		t.Helper()
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
