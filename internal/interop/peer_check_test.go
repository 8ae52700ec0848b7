//go:build linux

package interop

import (
	"os/exec"
	"testing"
	"time"
)

// What every test here ends with has to be able to fail.
func TestIsAProcessLeftBehindSeen(t *testing.T) {
	clean(t)
	// A shell that has ended, whose child goes on until its input ends.
	r, w := pipe(t)
	cmd := exec.Command("sh", "-c", "exec 3<&0; cat <&3 &")
	cmd.Stdin = r
	start(t, cmd).wait(t)
	if left := leftBehind(100 * time.Millisecond); len(left) != 1 {
		t.Errorf("one process is left behind, seen: %q", left)
	}
	w.Close()
	if left := leftBehind(patience); left != nil {
		t.Errorf("saw %q after its end", left)
	}
}
