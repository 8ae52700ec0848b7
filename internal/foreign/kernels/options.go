package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"example.com/fdpass/internal/facts"
	"example.com/fdpass/internal/lines"
)

const (
	optionsPackage  = "internal/facts"
	optionsTest     = "^TestWhichOptionsDoesThisKernelHave$"
	optionsVariable = "FDPASS_OPTIONS"
)

// answers is which options a kernel has, by name.
type answers struct {
	kernel string // uname -r
	has    map[string]bool
}

// options asks the kernels of the chosen machines, those for amd64 if nothing else
// is said, which options they have, and prints the table of docs/kernels.md.
func options(ctx context.Context, every bool, only string) error {
	w := work{optionsPackage, optionsTest, optionsVariable + "=1"}
	chosen, reports, err := bootAll(ctx, every, cmp.Or(only, "^amd64"), w)
	if err != nil {
		return err
	}
	var all []answers
	for i, r := range reports {
		a, err := r.answers()
		if err != nil {
			return fmt.Errorf("%s: %w", chosen[i].name, err)
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b answers) int { return compareVersions(a.kernel, b.kernel) })
	return optionsTable(os.Stdout, all)
}

// answers reads what the test said. A machine's targets have to agree: a 32-bit
// program finds the same options as a 64-bit one.
func (r report) answers() (answers, error) {
	a := answers{kernel: r.kernel}
	for _, s := range r.runs {
		has := make(map[string]bool)
		for line := range lines.Of(s.output) {
			if f := strings.Split(strings.TrimRight(line, "\r\n"), "\t"); f[0] == optionsVariable && len(f) == 3 {
				has[f[1]] = f[2] == "true"
			}
		}
		if s.verdict != "ok" || len(has) != len(facts.Options) {
			return a, fmt.Errorf("%s: %d options of %d, and the test ended with %q",
				s.target, len(has), len(facts.Options), s.verdict)
		}
		if a.has != nil && !maps.Equal(a.has, has) {
			return a, fmt.Errorf("%s: other options than the target before", s.target)
		}
		a.has = has
	}
	if !r.done || a.has == nil {
		return a, errors.New("the machine did not get to its end")
	}
	return a, nil
}

// optionsTable prints a row for each option and a column for each kernel, in
// Markdown, and below it the kernels' whole names.
func optionsTable(w io.Writer, all []answers) error {
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	row := func(cells ...string) { fmt.Fprintf(tw, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	head, rule := []string{"option", "for", "since", "says"}, []string{"---", "---", "---", "---"}
	var names []string
	for _, a := range all {
		head, rule = append(head, short(a.kernel)), append(rule, "---")
		names = append(names, a.kernel)
	}
	row(head...)
	row(rule...)
	for _, o := range facts.Options {
		cells := []string{o.Name, o.For, o.Linux, cmp.Or(o.Page, "-")}
		for _, a := range all {
			cells = append(cells, map[bool]string{true: "yes", false: "no"}[a.has[o.Name]])
		}
		row(cells...)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nLinux %s\n", strings.Join(names, ", "))
	return err
}

// short is the first two numbers of a version: 5.10 of "5.10.0-32-cloud-amd64".
func short(version string) string {
	f := strings.SplitN(version, ".", 3)
	return strings.Join(f[:min(2, len(f))], ".")
}

// compareVersions orders by the first two numbers.
func compareVersions(a, b string) int {
	var x, y [2]int
	fmt.Sscanf(a, "%d.%d", &x[0], &x[1])
	fmt.Sscanf(b, "%d.%d", &y[0], &y[1])
	return slices.Compare(x[:], y[:])
}
