package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tracer is what a program runs under.
type tracer struct {
	name  string
	words []string // before the program
	after []string // after its arguments
}

const fdpassTrace = "`fdpass trace`"

var (
	alone    = tracer{"by itself", nil, nil}
	filtered = tracer{"by itself, with a filter that lets all through", nil, []string{"filtered"}}
	traced   = tracer{fdpassTrace, []string{"COMMAND", "trace", "-o", "OUT"}, nil}
	strace   = stracer("`strace`")
	// It names what each descriptor is open on, of all in a message.
	straceNames = stracer("`strace -y -v`", "-y", "-v")
)

func stracer(name string, flags ...string) tracer {
	words := append([]string{"strace", "-f", "--seccomp-bpf"}, flags...)
	return tracer{name, append(words, "-o", "OUT", "-e", "trace=sendmsg,recvmsg"), nil}
}

// tracedWork is what the program does, and under what.
var tracedWork = []struct {
	name    string
	args    []string
	n       float64 // how many of what
	what    string
	tracers []tracer
}{
	{"one call: the start and the end", []string{"calls", "1"}, 1, "", []tracer{alone, traced, strace}},
	{"100,000 calls that do nothing: getppid", []string{"calls", "100000"}, 100000, "a call",
		[]tracer{alone, filtered, traced, strace}},
	{"100,000 calls that do something: open, fstat, read, close", []string{"files", "100000"}, 100000, "a call",
		[]tracer{alone, filtered, traced, strace}},
	{"20,000 descriptors, one a message", []string{"pass", "20000", "1"}, 20000, "a message",
		[]tracer{alone, traced, strace, straceNames}},
	{"20,000 descriptors, 200 a message", []string{"pass", "20000", "200"}, 100, "a message",
		[]tracer{alone, traced, strace, straceNames}},
}

const (
	traceFile  = "trace.md"
	traceTitle = "## Tracing"
)

// tracedSamples are what the rounds brought: the program's work by its own clock,
// the time from its start to its end, and that of the processors.
type tracedSamples struct{ inside, whole, cpu *samples }

// measureTrace times a program by itself, under fdpass trace and under strace, in
// turn, and writes the section of the results.
func measureTrace(args []string) error {
	fs := flag.NewFlagSet("trace", flag.ExitOnError)
	command := fs.String("command", "", "the fdpass `command`")
	program := fs.String("program", "", "the `program` to trace")
	rounds := fs.Int("rounds", 9, "how often each measurement is made")
	fs.Parse(args)
	out := filepath.Join(os.TempDir(), fmt.Sprintf("fdpass-bench-%d", os.Getpid()))
	defer os.Remove(out)
	names := strings.NewReplacer("COMMAND", *command, "OUT", out)
	s := &tracedSamples{newSamples(), newSamples(), newSamples()}
	before := load()
	for range *rounds {
		for _, work := range tracedWork {
			for _, t := range work.tracers {
				var words []string
				for _, w := range t.words {
					words = append(words, names.Replace(w))
				}
				words = append(append(append(words, *program), work.args...), t.after...)
				if err := s.run(cell{t.name, work.name, 0}, words); err != nil {
					return fmt.Errorf("%q: %w", words, err)
				}
			}
		}
	}
	return writeTrace(s, *rounds, before)
}

// run runs a program once. The time of its processors includes what it has waited
// for: a tracer's is also that of the program.
func (s *tracedSamples) run(c cell, words []string) error {
	cmd := exec.Command(words[0], words[1:]...)
	start := time.Now()
	text, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		return err
	}
	ns, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return err
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	s.inside.add(c, ns, 0, 0)
	s.whole.add(c, float64(took.Nanoseconds()), 0, 0)
	s.cpu.add(c, float64(cpu.Nanoseconds()), 0, 0)
	return nil
}

func writeTrace(s *tracedSamples, rounds int, before string) error {
	var b bytes.Buffer
	command := strings.Join(slices.Concat(strace.words[:3], strace.words[5:]), " ")
	version := firstLine("strace", "--version")
	fmt.Fprintf(&b, traceText, traceTitle, runtime.NumCPU(), version, before, load(), command, rounds)
	for _, work := range tracedWork {
		head := []string{work.name, "start to end", "×", "CPU", "×"}
		if work.what != "" {
			head = append(head, "its work", "×", "µs more "+work.what)
		}
		var lines [][]string
		for _, t := range work.tracers {
			lines = append(lines, s.line(work.name, t.name, work.n)[:len(head)])
		}
		fmt.Fprintf(&b, "\n")
		table(&b, head, lines)
	}
	return errors.Join(os.WriteFile(traceFile, b.Bytes(), 0o644), replaceTrace(b.String()))
}

const traceText = `%s

Written by ` + "`make bench-trace`" + `, on %d CPUs, with %s; load average %s at the start
and %s at the end. A program in C does some work, by itself and under programs that watch its calls of
sendmsg and recvmsg by way of a seccomp filter. strace is ` + "`%s`" + `,
which shows the numbers of the first 32 descriptors in a message; with ` + "`-y -v`" + ` it shows all, and what each
is open on, as fdpass does. Times are in milliseconds, the 10th percentile of %d rounds: from start to end;
of the processors, for the program and what watches it; of the work, by the program's own clock. What a call
or a message took longer is in microseconds.

The kernel spends more on each call of a process that has a filter, whatever the filter says: who stops a
program by one is not faster than the program with a filter that lets all through.
`

// line returns what a program did n of something under a tracer.
func (s *tracedSamples) line(work, tracer string, n float64) []string {
	c, base := cell{tracer, work, 0}, cell{alone.name, work, 0}
	ms := func(s *samples) string { t, _ := s.ns(c); return fmt.Sprintf("%.1f", t/1e6) }
	times := func(s *samples) string { r, _ := s.ratio(c, base); return fmt.Sprintf("%.2f", r) }
	in, _ := s.inside.ns(c)
	least, _ := s.inside.ns(base)
	more := fmt.Sprintf("%.2f", (in-least)/n/1e3)
	return []string{tracer, ms(s.whole), times(s.whole), ms(s.cpu), times(s.cpu),
		ms(s.inside), times(s.inside), more}
}

// replaceTrace puts the section into the results, before the notes.
func replaceTrace(section string) error {
	text, err := os.ReadFile("RESULTS.md")
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(text), traceTitle+"\n")
	if ok {
		_, rest, ok = strings.Cut(rest, "\n## ")
	} else {
		head, rest, ok = strings.Cut(string(text), "## What stands")
		rest = "What stands" + rest
	}
	if !ok {
		return errors.New("RESULTS.md has no place for the section " + traceTitle)
	}
	return os.WriteFile("RESULTS.md", []byte(head+section+"\n## "+rest), 0o644)
}
