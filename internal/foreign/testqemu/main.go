// Testqemu runs the tests of every architecture on this machine: natively
// where its kernel can, else under qemu-user.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/fdpass/internal/foreign"
	"example.com/fdpass/internal/foreign/debian"
)

// bound is how long the tests of one package may take.
const bound = 8 * time.Minute

func main() {
	only := flag.String("only", "", "run only the targets that this regular expression matches")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "testqemu:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if err := needQemu(ctx); err != nil {
		return err
	}
	var targets []foreign.Target
	for _, t := range foreign.Targets() {
		if match.MatchString(t.String()) {
			targets = append(targets, t)
		}
	}
	rows, err := all(ctx, targets)
	if err != nil {
		return err
	}
	foreign.Table(os.Stdout, rows)
	if len(rows) == 0 || foreign.Failed(rows) {
		return errors.New("some tests failed")
	}
	fmt.Printf("%d of %d targets passed\n", len(rows), len(rows))
	return nil
}

// needQemu installs qemu-user where it is missing, of the version that the
// kernels run under, and says which that is.
func needQemu(ctx context.Context) error {
	qemu := debian.Tool{Command: "qemu-aarch64-static", Package: "qemu-user-static"}
	if err := debian.InstallNewer(ctx, qemu); err != nil {
		return err
	}
	version, err := exec.CommandContext(ctx, qemu.Command, "--version").Output()
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(version), "\n")
	fmt.Println(first)
	return nil
}

// all runs the targets, as many at a time as there are processors.
func all(ctx context.Context, targets []foreign.Target) ([]foreign.Row, error) {
	rows := make([]foreign.Row, len(targets))
	errs := make([]error, len(targets))
	slots := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Add(1)
		go func() {
			defer wg.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			rows[i], errs[i] = one(ctx, t)
			fmt.Printf("%v: %d passed, %d skipped, %d failed\n", t,
				rows[i].Result.Passed, len(rows[i].Result.Skipped), len(rows[i].Result.Failed))
		}()
	}
	wg.Wait()
	return rows, errors.Join(errs...)
}

// one builds the tests for t and runs them.
func one(ctx context.Context, t foreign.Target) (foreign.Row, error) {
	row := foreign.Row{Target: t, How: "this machine"}
	dir, err := os.MkdirTemp("", "testqemu-")
	if err != nil {
		return row, err
	}
	defer os.RemoveAll(dir)
	binaries, err := foreign.Build(ctx, t, dir)
	if err != nil {
		return row, err
	}
	emulator := ""
	if !runsHere(ctx, t, binaries[0].File) {
		emulator = "qemu-" + t.User + "-static"
		row.How = "qemu-user"
	}
	start := time.Now()
	for _, b := range binaries {
		row.Result.Add(tests(ctx, b, emulator))
	}
	row.Time = time.Since(start)
	return row, nil
}

// runsHere finds out whether this machine's own kernel runs t's programs. Those
// of its own architecture it must; a 64-bit x86 kernel may run 386's.
func runsHere(ctx context.Context, t foreign.Target, binary string) bool {
	if t.Arch.Name == runtime.GOARCH {
		return true
	}
	if t.Arch.Name != "386" || runtime.GOARCH != "amd64" {
		return false
	}
	return exec.CommandContext(ctx, binary, "-test.run=^$").Run() == nil
}

// tests runs one package's tests. What goes wrong is in the result, and what
// the tests said is shown.
func tests(ctx context.Context, b foreign.Binary, emulator string) foreign.Result {
	ctx, cancel := context.WithTimeout(ctx, bound+10*time.Second)
	defer cancel()
	words := append(strings.Fields(emulator), b.File, "-test.v", "-test.skip="+b.Leave, "-test.timeout="+bound.String())
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = b.Source
	cmd.Env = append(os.Environ(), "FDPASS_TEST_EMULATOR="+emulator)
	if emulator != "" {
		// Any signal ends a batch there: qemu makes recvmmsg(2) of many recvmsg(2). So
		// the runtime sends none of its own.
		cmd.Env = append(cmd.Env, "GODEBUG=asyncpreemptoff=1")
	}
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	r, finished := foreign.Parse(b.Package, string(out))
	if err != nil || !finished {
		what := fmt.Sprintf("%s: %s: %v", b.Package, filepath.Base(b.File), err)
		r.Failed = append(r.Failed, what)
		fmt.Printf("%s\n%s\n", what, foreign.Tail(foreign.Complaints(string(out)), 200))
	}
	return r
}
