// Gvisor runs the tests of what a program uses in sandboxes of gVisor, whose
// system calls are its own and not Linux's: Debian's runsc, and with ALL_GVISOR=1 in
// the environment the older one, too.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass/internal/foreign"
	"example.com/fdpass/internal/foreign/debian"
)

// bound is how long the tests of one package may take.
const bound = 4 * time.Minute

// packages are those whose tests run in the sandboxes.
var packages = []string{".", "rawmsg", "internal/cmsg", "internal/fdtest", "cmd/fdpass"}

// leave are examples that print what gVisor does not say: who the peer is, which
// process has sent a message. Examples cannot skip themselves, as tests do by
// fdtest.SkipUnderGVisor.
const leave = "^(ExamplePeerCredentials|ExamplePeerPIDFD|ExampleOptions_Apply|" +
	"ExampleMessage_Credentials|ExampleMessage_TakePIDFD|ExampleSender_SendMessage)$"

// kinds are the versions of gVisor, with all that differs in how they are started.
// Those after the first run only if all are asked for.
var kinds = []struct{ suite, platform, hostSockets string }{
	{"trixie", "systrap", "--host-uds=all"},
	{"bookworm", "ptrace", "--fsgofer-host-uds"},
}

// sandbox is one version of gVisor.
type sandbox struct {
	version     string // "20240729"
	runsc       string // the program
	platform    string // how it catches system calls
	hostSockets string // the option that lets it connect to sockets of this machine
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "gvisor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "gvisor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	target, err := foreign.Lookup(runtime.GOARCH)
	if err != nil {
		return err
	}
	binaries, err := foreign.Build(ctx, target, dir, packages...)
	if err != nil {
		return err
	}
	command := filepath.Join(dir, "fdpass")
	if err := foreign.Compile(ctx, target, "./cmd/fdpass", command); err != nil {
		return err
	}
	var rows []foreign.Row
	if os.Getenv("ALL_GVISOR") == "" {
		kinds = kinds[:1]
	}
	for _, k := range kinds {
		box, err := get(ctx, k.suite)
		if err != nil {
			return err
		}
		box.platform, box.hostSockets = k.platform, k.hostSockets
		row := foreign.Row{Target: target, How: "gVisor " + box.version + ", " + box.platform}
		start := time.Now()
		for _, b := range binaries {
			row.Result.Add(box.tests(ctx, b))
		}
		row.Result.Add(box.programs(ctx, command))
		row.Time = time.Since(start)
		rows = append(rows, row)
	}
	foreign.Table(os.Stdout, rows)
	fmt.Println("left out:", leave)
	if foreign.Failed(rows) {
		return errors.New("some tests failed")
	}
	return nil
}

var versionIn = regexp.MustCompile(`runsc_0\.0~(\d+)`)

// get downloads runsc from a suite of Debian; it installs nothing.
func get(ctx context.Context, suite string) (sandbox, error) {
	root, err := debian.Download(ctx, debian.Source{Suite: suite, Arch: runtime.GOARCH}, "runsc")
	if err != nil {
		return sandbox{}, err
	}
	version := versionIn.FindStringSubmatch(filepath.Base(root))
	if version == nil {
		return sandbox{}, fmt.Errorf("%s: no version in it", root)
	}
	return sandbox{version: version[1], runsc: filepath.Join(root, "usr/bin/runsc")}, nil
}

// command is words in a sandbox, which sees this machine's files and writes to a
// copy of them.
func (s sandbox) command(ctx context.Context, words ...string) *exec.Cmd {
	args := []string{"--platform=" + s.platform, "--network=none", "--ignore-cgroups", s.hostSockets, "do"}
	args = append(args, words...)
	if os.Getuid() != 0 {
		args = append([]string{"-n", s.runsc}, args...)
		return exec.CommandContext(ctx, "sudo", args...)
	}
	return exec.CommandContext(ctx, s.runsc, args...)
}

// notStarted is what runsc says if it could not make a sandbox, which happens when the
// machine is busy.
const notStarted = "starting container: "

// tests runs the tests of one package, and once more if there was no sandbox.
func (s sandbox) tests(ctx context.Context, b foreign.Binary) foreign.Result {
	out, err := s.run(ctx, b)
	if err != nil && strings.HasPrefix(out, notStarted) {
		out, err = s.run(ctx, b)
	}
	r, finished := foreign.Parse(b.Package, out)
	if err != nil || !finished {
		what := fmt.Sprintf("%s: %v", b.Package, err)
		r.Failed = append(r.Failed, what)
		fmt.Printf("gVisor %s: %s\n%s\n", s.version, what, foreign.Tail(foreign.Complaints(out), 200))
	}
	return r
}

// run is the output of the tests of one package.
func (s sandbox) run(ctx context.Context, b foreign.Binary) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, bound+10*time.Second)
	defer cancel()
	skip := strings.Trim(b.Leave+"|"+leave, "|")
	cmd := s.command(ctx, b.File, "-test.v", "-test.skip="+skip, "-test.timeout="+bound.String())
	cmd.Dir = b.Source
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}
