package fdtest

import (
	"os"
	"strings"
	"testing"
	"time"
)

// impatient makes NoLeak fail soon, where it has to.
func impatient(t *testing.T) {
	was := patience
	patience = 50 * time.Millisecond
	t.Cleanup(func() { patience = was })
}

// recorder is a testing.TB that keeps what a helper says instead of failing.
type recorder struct {
	testing.TB
	cleanups []func()
	said     []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, strings.TrimSpace(strings.Split(args[0].(string), ":")[0]))
}

func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

func TestDoesNoLeakSeeALeak(t *testing.T) {
	impatient(t)
	r := &recorder{TB: t}
	NoLeak(r)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	r.end()
	f.Close()
	if len(r.said) != 1 || r.said[0] != "leaked" {
		t.Fatalf("a leaked file went unseen: %q", r.said)
	}
}

func TestDoesNoLeakSeeAForeignClose(t *testing.T) {
	impatient(t)
	r := &recorder{TB: t}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	NoLeak(r)
	f.Close()
	r.end()
	if len(r.said) != 1 || r.said[0] != "closed by somebody else" {
		t.Fatalf("a file that was closed went unseen: %q", r.said)
	}
}

func TestIsNoLeakQuietWhenNothingLeaked(t *testing.T) {
	r := &recorder{TB: t}
	NoLeak(r)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	r.Cleanup(func() { f.Close() })
	r.end()
	if len(r.said) != 0 {
		t.Fatalf("complained of nothing: %q", r.said)
	}
}
