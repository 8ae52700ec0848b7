package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// otherABI builds testdata/abi.c for one of the other ways into the kernel, and
// skips if this machine cannot build or run it.
func otherABI(t *testing.T, option string) (program string) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc: apt-get install gcc")
	}
	program = filepath.Join(t.TempDir(), "abi")
	args := []string{option, "-O1", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-static",
		"-no-pie", "-fno-pie", "-fno-stack-protector", "-o", program, "testdata/abi.c"}
	if out, err := exec.CommandContext(fdtest.Context(t), "gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := exec.CommandContext(fdtest.Context(t), program).Run(); err != nil {
		t.Skipf("this kernel does not run a program for %s: %v", option, err)
	}
	return program
}

func TestAreTheMessagesOfA32BitProgramShown(t *testing.T) {
	fdtest.NoLeak(t)
	trace, status := traced(t, nil, otherABI(t, "-m32"))
	want := regexp.MustCompile(`^abi\[\d+\] sendmsg\(\d+ of a pair, 0\) = 1
  SCM_RIGHTS: 1 descriptor
    0 is /dev/null
abi\[\d+\] recvmmsg_time64\[0\]\(\d+ of a pair, MSG_CMSG_CLOEXEC\) = 1, msg_flags MSG_CMSG_CLOEXEC
  SCM_RIGHTS: 1 descriptor
    \d+ is /dev/null
$`)
	if status != 0 || !want.MatchString(trace) {
		t.Errorf("status %d: no %s in\n%s", status, want, trace)
	}
}

// Its call is shown where the kernel does not have it, too, with what was in it.
func TestAreTheMessagesOfAnX32ProgramShown(t *testing.T) {
	fdtest.NoLeak(t)
	trace, status := traced(t, nil, otherABI(t, "-m64"))
	want := regexp.MustCompile(`^abi\[\d+\] sendmsg\(\d+ of a pair, 0\) = (1|-1 ENOSYS .*)
  SCM_RIGHTS: 1 descriptor
    0 is /dev/null
$`)
	if status != 0 || !want.MatchString(trace) {
		t.Errorf("status %d: no %s in\n%s", status, want, trace)
	}
}
