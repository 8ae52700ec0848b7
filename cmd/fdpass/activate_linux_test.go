package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

const execNeeded = "the command execs itself, which qemu-user does not translate"

// The descriptors have some of the very numbers that they are to get, in every
// order: what is to be 3 is 4, and what is to be 4 is 3.
func TestDoDescriptorsGetTheirNumbersWhateverTheyHadBefore(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 8) // 3 to 10 in the process that is started
	orders := permutations([]int{3, 4, 5, 6})
	if len(orders) != 24 {
		t.Fatalf("%d permutations of 4", len(orders))
	}
	orders = append(orders, []int{4}, []int{10, 3}, []int{10, 9, 8, 7, 6, 5, 4, 3})
	orders = append(orders, []int{5, 6, 7, 3}, []int{7, 8})
	for _, order := range orders {
		args := []string{"become"}
		var want []int
		for _, fd := range order {
			args = append(args, fmt.Sprint(fd))
			want = append(want, fd-3)
		}
		p := fdpassCommand(t, args...)
		p.ExtraFiles = files[:slices.Max(order)-2]
		p.begin()
		got := p.succeed()
		if want := reported(namesOf(len(order)), want...); got != want {
			t.Errorf("%v: got\n%swant\n%s", order, got, want)
		}
	}
}

func TestDoesAProgramFindWhatItWasSent(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 40)
	for _, n := range []int{1, 2, 40} {
		path := socketPath(t)
		p := startFdpass(t, "recv", "-names", "n", path, "--", self, "report")
		send(t, path, files[:n]...)
		want := make([]int, n)
		for i := range want {
			want[i] = i
		}
		got := p.succeed()
		if want := reported(strings.Repeat(":n", n)[1:], want...); got != want {
			t.Errorf("%d descriptors: got\n%swant\n%s", n, got, want)
		}
		isGone(t, path)
	}
}

// One program after another, each with the descriptors of one message and its
// own number in LISTEN_PID.
func TestIsAProgramStartedForEachMessage(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 3)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-many", "-timeout", "20s", path, "--", self, "report")
	appears(t, path)
	conn := dial(t, path)
	for _, some := range [][]*os.File{files[:1], {files[2], files[1]}} {
		if err := fdpass.Send(conn, some...); err != nil {
			t.Fatal(err)
		}
	}
	want := reported("unknown", 0) + reported("unknown:unknown", 2, 1)
	p.until(want) // programs of another connection do not wait for these
	send(t, path, files[2])
	conn.Close()
	want += reported("unknown", 2)
	if got := p.until(want); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	p.Process.Signal(syscall.SIGTERM)
	p.end()
	isGone(t, path)
}

// Mistakes that can be known at the start are found before anybody is served.
func TestDoesAProgramThatCannotBeStartedFail(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	for _, c := range []struct {
		status       int
		options, cmd string
		message      string
	}{
		{127, "", "/no/such/program", "/no/such/program"},
		{127, "", "no-such-program", "not found"},
		{126, "", "/dev/null", "cannot be executed"},
		{126, "-many", "/", "cannot be executed"},
		{2, "-n 2 -names a:b:c", self, "-names has 3 names, and -n is 2"},
	} {
		args := append([]string{"recv"}, strings.Fields(c.options)...)
		startFdpass(t, append(args, path, "--", c.cmd)...).fail(c.status, c.message)
		isGone(t, path)
	}
}

func TestIsANumberThatDoesNotFitTheNamesAFailure(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-names", "a:b:c", path, "--", self)
	send(t, path, fdtest.Files(t, 2)...)
	p.fail(1, "3 names for 2 descriptors")
	isGone(t, path)
}

// What is found only when the program is started: its interpreter, its format.
func TestWhatIsTheStatusOfAProgramThatCannotBeExecuted(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	for text, status := range map[string]int{"#!/no/such/interpreter\n": 127, "no program\n": 126} {
		file := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		path := socketPath(t)
		p := startFdpass(t, "recv", path, "--", file)
		send(t, path, fdtest.Files(t, 1)...)
		got := p.end()
		if got == 126 && status == 127 && strings.Contains(p.err.String(), "exec format error") {
			t.Logf("this kernel runs no scripts; it needs CONFIG_BINFMT_SCRIPT")
		} else if got != status || !strings.Contains(p.err.String(), file) {
			t.Errorf("%q: status %d, want %d: %s", text, got, status, p.err.String())
		}
	}
}

// What the sender made nonblocking stays so, unless -block asks.
func TestIsADescriptorMadeBlockingOnlyWhenAsked(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	for _, block := range []bool{false, true} {
		a, _ := socketPair(t)
		if err := setFlags(a, syscall.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		path := socketPath(t)
		p := startFdpass(t, "recv", fmt.Sprintf("-block=%v", block), path, "--", self, "send", "-h")
		send(t, path, a)
		p.succeed()
		if isNonblocking(t, a) == block {
			t.Errorf("-block=%v: nonblocking is %v", block, !block)
		}
	}
}

// namesOf is the LISTEN_FDNAMES of n descriptors without names.
func namesOf(n int) (s string) {
	for range n {
		s += ":unknown"
	}
	return s[1:]
}

func TestIsAFileInPathThatIsNotExecutableFound(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plain"), []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for name, status := range map[string]int{"plain": 126, "none": 127} {
		if _, err := findProgram(name); statusOf(err) != status {
			t.Errorf("%s: %v, status %d and not %d", name, err, statusOf(err), status)
		}
	}
}
