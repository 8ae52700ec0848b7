//go:build linux

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// frame is what a client of libwayland prints when a frame has been shown.
var frame = regexp.MustCompile(`wl_callback[@#][0-9]+\.done\(`)

// A client draws into memory that it shares with the compositor, which tells it of
// each frame that it has shown.
func TestDoesWestonShowWhatAClientDrawsThroughARelay(t *testing.T) {
	compositor := program(t, "weston", "weston")
	client := program(t, "weston-simple-shm", "weston")
	clean(t)
	dir := fdtest.SocketDir(t)
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "WAYLAND_DEBUG=client")
		return cmd
	}
	p := start(t, run(compositor, "--backend=headless-backend.so", "--socket=wl", "--no-config", "--idle-time=0"))
	front := relayTo(t, p, filepath.Join(dir, "wl"), 1)
	draws := run(client)
	draws.Env = append(draws.Env, "WAYLAND_DISPLAY="+front)
	c := start(t, draws)
	c.until(t, func() error {
		if n := len(frame.FindAllString(c.said(), -1)); n < 10 {
			return fmt.Errorf("%d frames", n)
		}
		return nil
	})
	if !strings.Contains(c.said(), ".create_pool(") {
		t.Error("the client has not shared any memory")
	}
}
