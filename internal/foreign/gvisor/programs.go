package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"example.com/fdpass/internal/foreign"
)

// programs runs the command in sandboxes: the demo, whose two processes are in the
// same one, and recv and send there.
func (s sandbox) programs(ctx context.Context, fdpass string) (r foreign.Result) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for name, f := range map[string]func(ctx context.Context, fdpass string) error{
		"the demo": s.demo, "send to recv": s.between,
	} {
		if err := f(ctx, fdpass); err != nil {
			r.Failed = append(r.Failed, fmt.Sprintf("%s: %v", name, err))
		} else {
			fmt.Printf("gVisor %s: %s works\n", s.version, name)
			r.Passed++
		}
	}
	return r
}

func (s sandbox) demo(ctx context.Context, fdpass string) error {
	out, err := s.command(ctx, nil, fdpass, "demo").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// between passes a file from one sandboxed process to another.
func (s sandbox) between(ctx context.Context, fdpass string) error {
	const script = `"$0" recv -cat -timeout 30s /tmp/s & "$0" send -wait /tmp/s /etc/debian_version && wait`
	out, err := s.command(ctx, nil, "sh", "-c", script, fdpass).Output()
	return contains(out, err)
}

// contains checks that out is what the file has that was passed.
func contains(out []byte, err error) error {
	want, rerr := os.ReadFile("/etc/debian_version")
	if err == nil {
		err = rerr
	}
	if err == nil && !strings.Contains(string(out), strings.TrimSpace(string(want))) {
		err = fmt.Errorf("it copied %q", out)
	}
	return err
}
