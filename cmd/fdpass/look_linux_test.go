package main

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
)

// broadest is how many characters the longest line of a text has.
func broadest(text string) (n int) {
	for line := range lines.Of(text) {
		n = max(n, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	return n
}

func TestDoesTheDrawingFollowTheTerminal(t *testing.T) {
	fdtest.NoLeak(t)
	plain := []string{"NO_COLOR=1"}
	for _, c := range []struct{ columns, least, most int }{
		{50, 40, 50}, {80, 60, 80}, {200, 120, 200}, {0, 60, 80},
	} {
		out := inTerminal(t, c.columns, plain, "layout", "all", "-with", "cred,pidfd")
		if n := broadest(out); n < c.least || n > c.most {
			t.Errorf("a terminal of %d columns: %d columns:\n%s", c.columns, n, out)
		}
	}
	if n := broadest(inTerminal(t, 200, plain, "layout", "-width", "60", "all")); n > 60 || n < 40 {
		t.Errorf("-width 60 in a wider terminal: %d columns", n)
	}
	if n := broadest(startFdpass(t, "layout", "all").succeed()); n > 80 || n < 60 {
		t.Errorf("in a pipe: %d columns", n)
	}
	if n := broadest(startFdpass(t, "layout", "all", "-width", "120").succeed()); n > 120 || n < 90 {
		t.Errorf("-width 120 in a pipe: %d columns", n)
	}
	startFdpass(t, "layout", "-width", "12").fail(2, "-width 12")
	startFdpass(t, "layout", "-width", "-1").fail(2, "-width -1")
}

func TestWhereAreThereColours(t *testing.T) {
	fdtest.NoLeak(t)
	const buffer = "1800000000000000 01000000 01000000 05000000 00000000"
	for _, args := range [][]string{{"layout"}, {"decode", buffer}, {"demo"}} {
		t.Run(args[0], func(t *testing.T) {
			if args[0] == "demo" {
				fdtest.SkipUnderQemuUser(t, execNeeded)
			}
			for _, c := range []struct {
				env  string
				want bool
			}{
				{"TERM=xterm NO_COLOR=", true}, // empty counts as not set
				{"TERM=xterm NO_COLOR=1", false},
				{"TERM=dumb NO_COLOR=", false},
				{"TERM= NO_COLOR=", false},
			} {
				out := inTerminal(t, 80, strings.Fields(c.env), args...)
				if got := strings.Contains(out, "\x1b["); got != c.want {
					t.Errorf("with %s: colours are %v:\n%q", c.env, got, out)
				}
			}
			p := fdpassCommand(t, args...)
			p.Env = append(p.Environ(), "TERM=xterm", "NO_COLOR=")
			p.begin()
			if out := p.succeed(); strings.Contains(out, "\x1b[") {
				t.Errorf("in a pipe there are colours:\n%q", out)
			}
		})
	}
}

// The colours change nothing but the colours.
func TestAreColouredDrawingsTheSame(t *testing.T) {
	fdtest.NoLeak(t)
	args := []string{"layout", "all", "-with", "cred,pidfd", "-fds", "3"}
	plain := inTerminal(t, 100, []string{"NO_COLOR=1"}, args...)
	coloured := inTerminal(t, 100, []string{"TERM=xterm", "NO_COLOR="}, args...)
	var b strings.Builder
	for rest := coloured; ; {
		before, after, found := strings.Cut(rest, "\x1b[")
		b.WriteString(before)
		if !found {
			break
		}
		_, rest, _ = strings.Cut(after, "m")
	}
	if b.String() != plain {
		t.Errorf("without the escape sequences:\n%s\nand without colours:\n%s", b.String(), plain)
	}
}

func TestMayFlagsStandBehindTheArchitecture(t *testing.T) {
	want := startFdpass(t, "layout", "-fds", "3", "-show", "message", "s390x", "386").succeed()
	for _, args := range []string{
		"layout s390x 386 -fds 3 -show message",
		"layout s390x -fds=3 386 -show message",
		"layout -fds 3 -show message -- s390x 386",
		"layout -fds 3 s390x -show message -- 386",
	} {
		if got := startFdpass(t, strings.Fields(args)...).succeed(); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", args, got, want)
		}
	}
	startFdpass(t, "layout", "s390x", "-fds").fail(2, "-fds")
	startFdpass(t, "layout", "s390x", "-fly").fail(2, "-fly")
	startFdpass(t, "layout", "--", "-svg").fail(2, "-svg")
}

// What the packages for drawing promise, by way of the command.
func TestWhatDoesLayoutPrint(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string // how often, and a text
		not  string
	}{
		{"-show msghdr all", []string{"1 386, arm, mips, mipsle:", "2 void *msg_name"}, "vax"},
		{"-show message x86_64 aarch64 i686 ppc64el",
			[]string{"1 amd64, arm64, ppc64le: 64", "1 386: 32"}, "x86_64"},
		{"-show message s390x all", []string{"1 s390x, ppc64: 64", "1 mips64le: 64"}, "\ns390x: "},
		{"-show message amd64", []string{"1 ?? ?? ?? ??", "1 ░padding"}, "00 00 00 00 ░"},
		{"-show message -json amd64", []string{`1 "name": "padding"`, "1 unspecified"}, "??"},
		{"-show message -fds 253 amd64",
			[]string{"1 passes 253 descriptors in a message at most"}, "too many"},
		{"-show pointers arm64",
			[]string{"3 ▶│", "1 struct iovec", "1 payload", "1 control buffer"}, "void"},
		{"-svg all",
			[]string{"1 @media (prefers-color-scheme: dark)", "1 on 386, arm: 16", "1 <svg "}, "\x1b"},
	} {
		out := startFdpass(t, append([]string{"layout"}, strings.Fields(c.args)...)...).succeed()
		for _, want := range c.want {
			n, text, _ := strings.Cut(want, " ")
			if got := strings.Count(out, text); strconv.Itoa(got) != n {
				t.Errorf("layout %s: %d times %q, want %s:\n%s", c.args, got, text, n, out)
			}
		}
		if strings.Contains(out, c.not) {
			t.Errorf("layout %s: there is %q:\n%s", c.args, c.not, out)
		}
	}
}
