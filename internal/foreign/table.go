package foreign

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Row is what came of one target.
type Row struct {
	Target Target
	How    string // "this machine", "qemu-user", "Linux 6.1.0-50-s390x"
	Result Result
	Time   time.Duration
}

// Table prints a row for each target, in Markdown, and below it why tests were
// skipped. Every reason stands there once, with the tests and the targets it
// held for.
func Table(w io.Writer, rows []Row) {
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	line := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(tw, "| %v\t", c)
		}
		fmt.Fprintln(tw, "|")
	}
	line("architecture", "word and byte order", "run by", "passed", "skipped", "failed", "seconds")
	line("---", "---", "---", "---", "---", "---", "---")
	for _, r := range rows {
		line(r.Target, r.Target.Arch.Kind(), r.How, r.Result.Passed, len(r.Result.Skipped), len(r.Result.Failed), int(r.Time.Seconds()+0.5))
	}
	tw.Flush()
	fmt.Fprintln(w)
	for _, pkg := range slices.Sorted(maps.Keys(Host)) {
		fmt.Fprintf(w, "left out, being of this machine's programs: %s: %s\n", pkg, Host[pkg])
	}
	reasons(w, rows)
	for _, r := range rows {
		for _, f := range r.Result.Failed {
			fmt.Fprintf(w, "FAILED %v, %s: %s\n", r.Target, r.How, f)
		}
	}
}

// reasons prints each reason for a skip.
func reasons(w io.Writer, rows []Row) {
	type where struct{ tests, targets map[string]bool }
	found := make(map[string]where)
	for _, r := range rows {
		for _, s := range r.Result.Skipped {
			in, ok := found[s.Reason]
			if !ok {
				in = where{make(map[string]bool), make(map[string]bool)}
				found[s.Reason] = in
			}
			in.tests[s.Package+": "+s.Test] = true
			in.targets[r.Target.String()] = true
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(found)) {
		in := found[reason]
		on := strings.Join(slices.Sorted(maps.Keys(in.targets)), ", ")
		if len(in.targets) == len(rows) {
			on = "all"
		}
		fmt.Fprintf(w, "\nskipped on %s: %s\n", on, reason)
		for _, test := range slices.Sorted(maps.Keys(in.tests)) {
			fmt.Fprintf(w, "\t%s\n", test)
		}
	}
	if len(found) > 0 {
		fmt.Fprintln(w)
	}
}

// Failed says whether any test failed, or a target ran none at all.
func Failed(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool {
		return len(r.Result.Failed) > 0 || r.Result.Passed == 0
	})
}

// Tail is the last n lines of s.
func Tail(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
