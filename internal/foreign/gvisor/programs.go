package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"example.com/fdpass/internal/foreign"
)

// passed is the file that is passed, which this machine and the sandboxes have.
const passed = "/etc/debian_version"

// programs runs the command in sandboxes.
func (s sandbox) programs(ctx context.Context, fdpass string) (r foreign.Result) {
	for _, c := range []struct {
		name string
		run  func(ctx context.Context, fdpass string) error
	}{
		{"the demo", s.demo},
		{"from one process to another", s.between},
		{"from this machine into the sandbox", s.fromHost},
		{"that nothing gets out of the sandbox is an error", s.toHost},
	} {
		err := within(ctx, fdpass, c.run)
		if err != nil && strings.Contains(err.Error(), notStarted) {
			err = within(ctx, fdpass, c.run)
		}
		if err != nil {
			r.Failed = append(r.Failed, fmt.Sprintf("%s: %v", c.name, err))
		} else {
			fmt.Printf("gVisor %s: %s: as expected\n", s.version, c.name)
			r.Passed++
		}
	}
	return r
}

// within calls run, which may take two minutes.
func within(ctx context.Context, fdpass string, run func(ctx context.Context, fdpass string) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return run(ctx, fdpass)
}

// demo has its two processes in one sandbox.
func (s sandbox) demo(ctx context.Context, fdpass string) error {
	out, err := s.command(ctx, fdpass, "demo").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// between passes a file from one sandboxed process to another.
func (s sandbox) between(ctx context.Context, fdpass string) error {
	// The sandbox sees this machine's /tmp, and what somebody has left there.
	const script = `d=$(mktemp -d); "$0" recv -cat -timeout 30s $d/s & "$0" send -wait $d/s ` + passed + ` && wait`
	return isPassed(s.command(ctx, "sh", "-c", script, fdpass).Output())
}

// fromHost passes a file through a socket of this machine to a sandboxed process.
func (s sandbox) fromHost(ctx context.Context, fdpass string) error {
	socket, end, err := begin(ctx, fdpass, "send", "-listen", "-timeout", "30s", "SOCKET", passed)
	if err != nil {
		return err
	}
	defer end()
	return isPassed(s.command(ctx, fdpass, "recv", "-connect", "-cat", "-timeout", "30s", socket).Output())
}

// toHost is the opposite direction, for which gVisor has EINVAL.
func (s sandbox) toHost(ctx context.Context, fdpass string) error {
	socket, end, err := begin(ctx, fdpass, "recv", "-timeout", "30s", "SOCKET")
	if err != nil {
		return err
	}
	defer end()
	out, err := s.command(ctx, fdpass, "send", "-timeout", "30s", socket, passed).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "sendmsg: invalid argument") {
		return fmt.Errorf("want EINVAL, got %v: %s", err, out)
	}
	return nil
}

// begin starts fdpass on this machine, with a new socket in place of the word
// SOCKET, and waits for that. Its own end does not matter.
func begin(ctx context.Context, fdpass string, words ...string) (socket string, end func(), err error) {
	dir, err := os.MkdirTemp("", "gvisor-")
	if err != nil {
		return "", nil, err
	}
	socket = filepath.Join(dir, "s")
	for i, w := range words {
		if w == "SOCKET" {
			words[i] = socket
		}
	}
	cmd := exec.CommandContext(ctx, fdpass, words...)
	if err := cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	end = func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	}
	for ctx.Err() == nil {
		if _, err := os.Stat(socket); err == nil {
			return socket, end, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	end()
	return "", nil, ctx.Err()
}

// isPassed checks that out is what the file has that was passed.
func isPassed(out []byte, err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("%w\n%s", err, exit.Stderr)
	}
	if err != nil {
		return err
	}
	want, err := os.ReadFile(passed)
	if err == nil && string(out) != string(want) {
		err = fmt.Errorf("received %q", out)
	}
	return err
}
