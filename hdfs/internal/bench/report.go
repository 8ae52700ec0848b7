package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// target is a ratio that should be reached.
type target struct {
	what     string
	want     float64
	atMost   bool
	measured float64
}

func targets(m measured) []target {
	speed := func(what, slow, fast string) float64 { return m.median(slow, what) / m.median(fast, what) }
	return []target{
		{"the whole file: " + goDialer + ", × the speed of " + goTCP, 3.5, false,
			speed(whole, goTCP, goDialer)},
		{"the whole file: " + goDialer + ", × the speed of " + javaLocal, 1, false,
			speed(whole, javaLocal, goDialer)},
		{"the whole file: " + ourReplicas + ", × the speed of " + goTCP, 3.5, false,
			speed(whole, goTCP, ourReplicas)},
		{"the whole file: " + ourReplicas + ", × the speed of " + javaLocal, 1, false,
			speed(whole, javaLocal, ourReplicas)},
		{"random 4 KiB: " + ourReplicas + ", × the speed of " + javaLocal, 20, false,
			speed(piece, javaLocal, ourReplicas)},
		{"random 4 KiB: " + goDialer + ", × the speed of " + javaLocal, 5, false,
			speed(piece, javaLocal, goDialer)},
		{"checksums, part of the processor time for the whole file: " + ourReplicas, 0.6, true,
			m.median(ourReplicas, verifying) / m.median(ourReplicas, clientCPU)},
	}
}

func (t target) row() string {
	sign, reached := "≥", t.measured >= t.want
	if t.atMost {
		sign, reached = "<", t.measured < t.want
	}
	word := "no"
	if reached {
		word = "yes"
	}
	return fmt.Sprintf("| %s | %s %g | %.3g | %s |\n", t.what, sign, t.want, t.measured, word)
}

// report writes the page.
func report(m measured, rounds int, took time.Duration, load float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Short-circuit reads beside TCP and Java

Written by `+"`make bench-hdfs`"+`, in one run of %.0f seconds. Medians of %d rounds; in each round every row does
everything, one after the other. The file has %d MiB in blocks of %d MiB and checksums for 512 bytes, is in the
page cache, and is read into a buffer of 1 MiB. Every row verifies the checksums.

`, took.Seconds(), rounds, fileSize/mib, blockSize/mib)
	for _, line := range describe() {
		fmt.Fprintln(&b, "- "+line)
	}
	fmt.Fprintf(&b, "- load average of the last minute, at the start: %.2f, at the end: %.2f\n\n", load,
		loadAverage())
	if load > 0.5*float64(runtime.NumCPU()) {
		fmt.Fprint(&b, "The machine was busy with other programs, "+
			"which makes every figure larger and every ratio uncertain.\n\n")
	}
	fmt.Fprint(&b, "## Targets\n\n| what | target | measured | reached |\n| --- | ---: | ---: | ---: |\n")
	for _, t := range targets(m) {
		b.WriteString(t.row())
	}
	fmt.Fprintf(&b, "\n## Rows\n\n%s", table(m))
	fmt.Fprintf(&b, "\nComputing the checksums of as many bytes, in memory: %.1f ms of processor time.\n",
		m.median(ourReplicas, verifying)/1e6)
	return b.String()
}

// intro says in the README where the table comes from.
func intro(rounds int) string {
	return fmt.Sprintf("Medians of %d rounds with a file of %d MiB in the page cache, checksums verified, "+
		"written by `make bench-hdfs`\nwith [RESULTS.md](RESULTS.md), which has the targets and the machine.\n\n",
		rounds, fileSize/mib)
}

// table returns the rows.
func table(m measured) string {
	var b strings.Builder
	fmt.Fprintf(&b, `CPU is that of the processes, for the whole file: the client's, and the DataNode's, which shares its process with the
NameNode. A random read is one of 4 KiB from a file that stays open. The first byte includes opening the file at the
NameNode, except for %s, where it is a new connection to the DataNode, a new request, and reading.

| row | whole file, ms | MB/s | client's CPU, ms | DataNode's CPU, ms | random 4 KiB, µs | first byte, µs |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
`, ourReplicas)
	for _, name := range []string{goTCP, goDialer, ourReplicas, javaTCP, javaLocal} {
		ns := m.median(name, whole)
		fmt.Fprintf(&b, "| %s | %.1f | %.0f | %.1f | %.1f | %.1f | %.0f |\n", name, ns/1e6, fileSize/ns*1e3,
			m.median(name, clientCPU)/1e6, m.median(name, nodeCPU)/1e6,
			m.median(name, piece)/1e3, m.median(name, first)/1e3)
	}
	return b.String()
}

// Between these two in the README is the table.
const begin, end = "<!-- measured -->\n", "<!-- /measured -->\n"

// intoREADME puts the table into the README.
func intoREADME(name, table string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table", name)
	}
	return os.WriteFile(name, []byte(before+begin+table+end+after), 0o644)
}
