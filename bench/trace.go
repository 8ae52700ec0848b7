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
	"strconv"
	"strings"
	"time"
)

// tracers are what the program runs under.
var tracers = []struct {
	name  string
	words []string
}{
	{"by itself", nil},
	{"`fdpass trace`", []string{"COMMAND", "trace", "-o", "OUT"}},
	{"`strace -f --seccomp-bpf -e trace=sendmsg,recvmsg`",
		[]string{"strace", "-f", "--seccomp-bpf", "-o", "OUT", "-e", "trace=sendmsg,recvmsg"}},
}

// tracedWork is what the program does.
var tracedWork = []struct {
	name string
	args []string
}{
	{"100,000 other calls", []string{"calls", "100000"}},
	{"20,000 descriptors, one a message", []string{"pass", "20000", "1"}},
	{"20,000 descriptors, 200 a message", []string{"pass", "20000", "200"}},
}

const (
	traceFile  = "trace.md"
	traceTitle = "## Tracing"
)

// measureTrace times a program by itself, under fdpass trace and under strace, in
// turn, and writes the section of the results.
func measureTrace(args []string) error {
	fs := flag.NewFlagSet("trace", flag.ExitOnError)
	command := fs.String("command", "", "the fdpass `command`")
	program := fs.String("program", "", "the `program` to trace")
	rounds := fs.Int("rounds", 11, "how often each measurement is made")
	fs.Parse(args)
	out := filepath.Join(os.TempDir(), fmt.Sprintf("fdpass-bench-%d", os.Getpid()))
	defer os.Remove(out)
	inside, whole := newSamples(), newSamples()
	before := load()
	for range *rounds {
		for _, work := range tracedWork {
			for _, tracer := range tracers {
				words := append([]string{}, tracer.words...)
				for i, w := range words {
					words[i] = map[string]string{"COMMAND": *command, "OUT": out}[w]
					if words[i] == "" {
						words[i] = w
					}
				}
				words = append(append(words, *program), work.args...)
				start := time.Now()
				text, err := exec.Command(words[0], words[1:]...).Output()
				took := time.Since(start)
				if err != nil {
					return fmt.Errorf("%q: %w", words, err)
				}
				ns, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
				if err != nil {
					return err
				}
				c := cell{tracer.name, work.name, 0}
				inside.add(c, ns, 0, 0)
				whole.add(c, float64(took.Nanoseconds()), 0, 0)
			}
		}
	}
	return writeTrace(inside, whole, *rounds, before)
}

func writeTrace(inside, whole *samples, rounds int, before string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n"+
		"Written by `make bench-trace`: a program in C, what it took for its work by its own clock, and from its\n"+
		"start to its end, both in milliseconds, and the ratio to the program by itself. Medians of %d rounds on "+
		"%d CPUs,\n%s; load average %s at the start and %s at the end.\n",
		traceTitle, rounds, runtime.NumCPU(), firstLine("strace", "--version"), before, load())
	for _, work := range tracedWork {
		fmt.Fprintf(&b, "\n")
		var lines [][]string
		for _, tracer := range tracers {
			c, alone := cell{tracer.name, work.name, 0}, cell{tracers[0].name, work.name, 0}
			in, _ := inside.ns(c)
			all, _ := whole.ns(c)
			inRatio, _ := inside.ratio(c, alone)
			allRatio, _ := whole.ratio(c, alone)
			lines = append(lines, []string{
				tracer.name, fmt.Sprintf("%.1f", in/1e6), fmt.Sprintf("%.2f", inRatio),
				fmt.Sprintf("%.1f", all/1e6), fmt.Sprintf("%.2f", allRatio),
			})
		}
		table(&b, []string{work.name, "its work", "×", "from start to end", "×"}, lines)
	}
	return errors.Join(os.WriteFile(traceFile, b.Bytes(), 0o644), replaceTrace(b.String()))
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
