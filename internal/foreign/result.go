package foreign

import (
	"regexp"
	"strings"

	"example.com/fdpass/internal/lines"
)

// Result is what the tests of some packages said.
type Result struct {
	Passed  int
	Skipped []Skip
	Failed  []string // names of tests, or what else went wrong
}

// Skip is a test that did not run, and why.
type Skip struct{ Package, Test, Reason string }

// Add counts other's tests as r's.
func (r *Result) Add(other Result) {
	r.Passed += other.Passed
	r.Skipped = append(r.Skipped, other.Skipped...)
	r.Failed = append(r.Failed, other.Failed...)
}

var (
	startLine  = regexp.MustCompile(`^=== (?:RUN|NAME|CONT) +(\S+)`)
	logLine    = regexp.MustCompile(`^ +\S+\.go:\d+: (.*)`)
	resultLine = regexp.MustCompile(`^ *--- (PASS|SKIP|FAIL): (\S+)`)
)

// Parse reads the output of a test binary that ran with -test.v. Subtests
// count like tests. Finished says whether its last word, PASS or FAIL, is
// there; a result without it is that of a program that died.
func Parse(pkg, output string) (r Result, finished bool) {
	var current string
	reasons := make(map[string]string)
	for line := range lines.Of(output) {
		line = strings.TrimRight(line, "\r\n")
		if m := startLine.FindStringSubmatch(line); m != nil {
			current = m[1]
		} else if m := logLine.FindStringSubmatch(line); m != nil {
			reasons[current] = m[1] // the last is the skip's: nothing follows it
		} else if m := resultLine.FindStringSubmatch(line); m != nil {
			r.count(pkg, m[1], m[2], reasons[m[2]])
		} else if line == "PASS" || line == "FAIL" {
			finished = true
		}
	}
	return r, finished
}

var quietLine = regexp.MustCompile(`^(=== | *--- PASS: |PASS\n)`)

// Complaints is a test binary's output without the lines about tests that start
// or pass, of which there are hundreds.
func Complaints(output string) string {
	var b strings.Builder
	for line := range lines.Of(output) {
		if !quietLine.MatchString(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func (r *Result) count(pkg, verdict, test, reason string) {
	switch verdict {
	case "PASS":
		r.Passed++
	case "SKIP":
		r.Skipped = append(r.Skipped, Skip{pkg, test, reason})
	case "FAIL":
		r.Failed = append(r.Failed, pkg+": "+test)
	}
}
