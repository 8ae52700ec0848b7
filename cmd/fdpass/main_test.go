package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
	"github.com/google/go-cmp/cmp"
)

// The test binary is the command, too: tests start it as a process.
func TestMain(m *testing.M) { fdtest.Main(m, roles) }

func TestWhatAreUsageErrorsAndFailures(t *testing.T) {
	for _, c := range []struct {
		args  string
		usage bool
	}{
		{"fly", true},
		{"recv", true},
		{"recv -fly /tmp/s", true},
		{"send /tmp/s", true},
		{"send -data x /tmp/no/such/socket /no/such/file", false},
	} {
		err := dispatch(strings.Fields(c.args))
		var usage usageError
		if err == nil || errors.As(err, &usage) != c.usage {
			t.Errorf("fdpass %s: usage error should be %v: %v", c.args, c.usage, err)
		}
	}
}

// Flags of every command, as the help and the README have them.
func TestWhichFlagsAreThere(t *testing.T) {
	got := map[string][]string{}
	for _, c := range []*command{sendCommand(), recvCommand(), demoCommand()} {
		fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.setup(fs)
		got[c.name] = []string{}
		fs.VisitAll(func(f *flag.Flag) { got[c.name] = append(got[c.name], f.Name) })
	}
	want := map[string][]string{
		"send": {"data", "from", "group", "hex", "listen", "many", "mode", "timeout", "w", "wait"},
		"recv": {"block", "cat", "connect", "from", "group", "json", "many", "mode", "n", "names",
			"payload", "timeout", "type", "wait"},
		"demo": {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flags that are wanted and those that are there:\n%s", diff)
	}
}

func TestDoesEachCommandHaveHelpWithAnExample(t *testing.T) {
	for _, c := range commands() {
		var b strings.Builder
		if err := c.usage(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "usage: fdpass "+c.name) {
			t.Errorf("%s: no usage line", c.name)
		}
		if !strings.Contains(b.String(), "\n  fdpass "+c.name) {
			t.Errorf("%s: no example", c.name)
		}
		for line := range lines.Of(b.String()) {
			if n := len([]rune(line)); n > 81 {
				t.Errorf("%s: %d columns: %s", c.name, n-1, line)
			}
		}
	}
}

func TestIsTheLibrarysNameSaidOnce(t *testing.T) {
	err := fmt.Errorf("fdpass: something")
	if got := message(err); got != "something" {
		t.Errorf("message is %q", got)
	}
}
