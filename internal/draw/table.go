package draw

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
)

// table is rows of columns with a heading; the first column has none. Where it is
// wider than the terminal, each row becomes a list.
func (s Style) table(rows [][]string) []string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush()
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if widest(lines) > s.Width {
		lines = list(rows, s.Width)
	}
	for i, line := range lines {
		if strings.HasSuffix(line, tooMany) {
			at := strings.LastIndex(line, ", ") + 2
			lines[i] = line[:at] + s.paint(red, line[at:])
		}
	}
	return lines
}

// list returns the rows of a table with a line for each column.
func list(rows [][]string, width int) (lines []string) {
	for _, r := range rows[1:] {
		lines = append(lines, r[0]+":")
		for i, text := range r[1:] {
			lines = append(lines, indented(wrap(rows[0][i+1]+": "+text, width-2))...)
		}
	}
	return lines
}

func indented(lines []string) []string {
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}
