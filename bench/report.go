package main

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// results are everything that one run has found.
type results struct {
	machine                 []string
	traffic, codec, command *samples
	inside                  map[cell][]percentiles
	scale                   map[string][]scalePoint
	took                    time.Duration
}

// notes say what stands in the way of figures that are not reached. They are
// written by hand, each number in them with the command that it comes from.
//
//go:embed notes.md
var notes string

func (r *results) write(dir string) error {
	var b bytes.Buffer
	r.markdown(&b)
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "RESULTS.md"), b.Bytes(), 0o644),
		r.csv(filepath.Join(dir, "results.csv")),
		r.drawLines(filepath.Join(dir, "descriptors.svg")),
		r.drawBars(filepath.Join(dir, "rows.svg")),
	)
}

func (r *results) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "# Beside C and the others\n\n"+
		"Written by `make bench`, in one run of %.0f seconds. Every figure is a 10th percentile: rows take\n"+
		"turns in many short rounds, and what disturbs a round only ever adds to it. × is the ratio to C.\n\n",
		r.took.Seconds())
	for _, line := range r.machine {
		fmt.Fprintf(b, "- %s\n", line)
	}
	fmt.Fprintf(b,
		"- load average at the end: %s (another program that is running shows up in every figure)\n", load())
	fmt.Fprintf(b, "\n## Targets\n\n")
	r.targets(b)
	fmt.Fprintf(b, insideText, insideStarts)
	for _, t := range []struct{ order, title string }{
		{"recv", "Receiving"}, {"both", "Receiving and closing"}, {"send", "Sending"},
	} {
		fmt.Fprintf(b, "\n### %s\n\n", t.title)
		r.insideTable(b, t.order)
	}
	fmt.Fprintf(b, processesText)
	fmt.Fprintf(b, "\n![cost against the number of descriptors](descriptors.svg)\n\n"+
		"![a message with one descriptor](rows.svg)\n")
	for _, t := range []struct{ order, title, text string }{
		{"recv", "Receiving",
			"From the queue into the program's hands: the call, the parsing, the numbers in a slice."},
		{"close", "The closing that follows",
			"What was received above, closed afterwards; for files `(*os.File).Close`."},
		{"both", "Receiving and closing",
			"Each message's descriptors closed before the next message is received."},
		{"send", "Sending", "Into a queue that has room."},
	} {
		fmt.Fprintf(b, "\n### %s\n\n%s Nanoseconds a message, by the number of descriptors in it.\n\n",
			t.title, t.text)
		r.trafficTable(b, t.order)
	}
	fmt.Fprintf(b, "\n## The codec by itself\n\n"+
		"No socket: one control buffer with one message. Nanoseconds, and allocations.\n\n")
	r.codecTable(b, "parse")
	fmt.Fprintln(b)
	r.codecTable(b, "append")
	fmt.Fprintf(b, "\n## The number of descriptors\n\n"+
		"Receiving, fitted with a straight line by least squares, weighted by 1/n: nanoseconds a message\n"+
		"and nanoseconds a descriptor more.\n\n")
	r.slopeTable(b)
	fmt.Fprintf(b, "\n## Many connections\n\n"+
		"A goroutine and a receiver with room for %d descriptors for each connection, all on Go's one poller;\n"+
		"another process sends %d messages of one descriptor, all over the connections, which are received\n"+
		"and closed. ns is for a message, from the first to the last; CPU is what the receiving\n"+
		"process used of the processors for a message (getrusage(2)); memory is for a connection. The floor is\n"+
		"`RawConn.Read` with `rawmsg.RecvmsgOnce` and close(2), and nothing else. Ratios are to the standard\n"+
		"library. Medians of %d starts.\n\n",
		scaleFDs, scaleMessages, scaleStarts)
	r.scaleTable(b)
	fmt.Fprintf(b, "\n## The command\n\n"+
		"A program from its start to the descriptor in hand; the message is waiting. Medians of %d starts.\n\n",
		len(r.command.took[cell{commandRows[0].name, "start", 1}]))
	r.commandTable(b)
	if trace, err := os.ReadFile(traceFile); err == nil { // measured by make bench-trace
		fmt.Fprintf(b, "\n%s", trace)
	}
	fmt.Fprintf(b, "\n%s", notes)
}

const insideText = `
## In one process

All rows of these tables run in one process, C's loops too, with one descriptor table: what differs
is what each row adds to the kernel's work. Each cell is nanoseconds a message and the ratio to C's
loop, the median of %d starts of the process, and the lowest and the highest ratio of these starts.
C closes one by one, with close(2).
`

const processesText = `
## In processes of their own

Here each row has a process and a descriptor table of its own, so Python takes part as well.
`

// insideTable is a table of the rows that share a process.
func (r *results) insideTable(b *bytes.Buffer, order string) {
	head := []string{"row"}
	for _, n := range tableCounts {
		head = append(head, strconv.Itoa(n), "×", "from, to")
	}
	var lines [][]string
	for _, row := range insideRows {
		line := []string{row.name}
		if order == "send" && row.sending != "" {
			line[0] = row.sending
		}
		floor := "C"
		if row.batch {
			floor = "C-batch"
		}
		for _, n := range tableCounts {
			c := cell{row.key, order, n}
			if len(r.inside[c]) == 0 {
				break
			}
			ratio := r.insideRatio(c, cell{floor, order, n})
			line = append(line, fmt.Sprintf("%.0f", r.insideNs(c)), fmt.Sprintf("%.2f", ratio.median),
				fmt.Sprintf("%.2f, %.2f", ratio.least, ratio.most))
		}
		if len(line) == len(head) {
			lines = append(lines, line)
		}
	}
	table(b, head, lines)
}

// table writes a Markdown table.
func table(b *bytes.Buffer, head []string, lines [][]string) {
	rule := slices.Repeat([]string{"---:"}, len(head))
	rule[0] = "---"
	for _, cells := range slices.Concat([][]string{head, rule}, lines) {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}

func floorOf(row *row) string {
	if row.batch {
		return floorBatch
	}
	return floorSingle
}

func (r *results) trafficTable(b *bytes.Buffer, order string) {
	head := []string{"row"}
	for _, n := range tableCounts {
		head = append(head, strconv.Itoa(n), "×")
	}
	if order != "close" {
		head = append(head, "allocations, bytes for 1", "for 253")
	}
	var lines [][]string
	for _, row := range rows {
		if row.recvs && order == "send" {
			continue
		}
		line := []string{row.title(order)}
		for _, n := range tableCounts {
			c := cell{row.key, order, n}
			ratio, ok := r.traffic.ratio(c, cell{floorOf(row), order, n})
			if !ok {
				line = append(line, "–", "–")
				continue
			}
			ns, _ := r.traffic.ns(c)
			line = append(line, fmt.Sprintf("%.0f", ns), fmt.Sprintf("%.2f", ratio))
		}
		if order != "close" {
			one, full := cell{row.key, order, 1}, cell{row.key, order, 253}
			line = append(line, r.allocs(row, one), r.allocs(row, full))
		}
		lines = append(lines, line)
	}
	table(b, head, lines)
}

// title returns the row's name in the table of an order.
func (r *row) title(order string) string {
	if order == "send" && r.sending != "" {
		return r.sending
	}
	return r.name
}

// allocs is only for the rows in Go.
func (r *results) allocs(row *row, c cell) string {
	if row.command != nil || len(r.traffic.allocs[c]) == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f, %.0f", median(r.traffic.allocs[c]), median(r.traffic.bytes[c]))
}

func (r *results) codecTable(b *bytes.Buffer, order string) {
	head := []string{order}
	for _, n := range tableCounts {
		head = append(head, fmt.Sprintf("%d descriptors", n), "× ours", "allocations")
	}
	var lines [][]string
	for _, row := range codecRows {
		line := []string{row.name}
		for _, n := range tableCounts {
			c := cell{row.key, order, n}
			ns, _ := r.codec.ns(c)
			ratio, _ := r.codec.ratio(c, cell{"fdpass", order, n})
			line = append(line, fmt.Sprintf("%.1f", ns), fmt.Sprintf("%.2f", ratio),
				fmt.Sprintf("%.0f", median(r.codec.allocs[c])))
		}
		lines = append(lines, line)
	}
	table(b, head, lines)
}

func (r *results) slopeTable(b *bytes.Buffer) {
	var lines [][]string
	_, floor := r.line(floorSingle)
	for _, key := range slopeRows {
		base, slope := r.line(key)
		lines = append(lines, []string{
			nameOf(key), fmt.Sprintf("%.0f", base), fmt.Sprintf("%.1f", slope), fmt.Sprintf("%.2f", slope/floor),
		})
	}
	table(b, []string{"row", "a message", "a descriptor", "×"}, lines)
}

func nameOf(key string) string {
	i := slices.IndexFunc(rows, func(r *row) bool { return r.key == key })
	return rows[i].name
}

// line fits a straight line to the cost of receiving n descriptors. The weights
// are 1/n, since what disturbs a measurement grows with it.
func (r *results) line(key string) (base, slope float64) {
	var sw, sx, sy, sxx, sxy float64
	for _, n := range slopeCounts {
		y, ok := r.traffic.ns(cell{key, "recv", n})
		if !ok {
			continue
		}
		x, w := float64(n), 1/float64(n)
		sw, sx, sy, sxx, sxy = sw+w, sx+w*x, sy+w*y, sxx+w*x*x, sxy+w*x*y
	}
	slope = (sw*sxy - sx*sy) / (sw*sxx - sx*sx)
	return (sy - slope*sx) / sw, slope
}

func (r *results) scaleTable(b *bytes.Buffer) {
	var lines [][]string
	for i, n := range scaleCounts {
		ours, std, floor := r.scale["fdpass"][i], r.scale["standard"][i], r.scale["floor"][i]
		lines = append(lines, []string{strconv.Itoa(n),
			fmt.Sprintf("%.0f", floor.cpu), fmt.Sprintf("%.0f", ours.cpu), fmt.Sprintf("%.0f", std.cpu),
			fmt.Sprintf("%.2f", ours.cpu/std.cpu), fmt.Sprintf("%.2f", floor.cpu/std.cpu),
			fmt.Sprintf("%.0f", ours.ns), fmt.Sprintf("%.0f", std.ns),
			fmt.Sprintf("%.0f", ours.heap), fmt.Sprintf("%.0f", std.heap),
			fmt.Sprintf("%.0f", ours.stack), fmt.Sprintf("%.0f", std.stack)})
	}
	table(b, []string{
		"connections", "floor, CPU", "fdpass, CPU", "standard library, CPU", "ratio", "floor's ratio", "fdpass, ns", "standard library, ns",
		"`Receiver`, bytes", "the other's buffer, bytes", "stack of its goroutine", "of the other's",
	}, lines)
}

func (r *results) commandTable(b *bytes.Buffer) {
	var lines [][]string
	floor := cell{commandRows[0].name, "start", 1}
	for _, row := range commandRows {
		c := cell{row.name, "start", 1}
		ns, _ := r.command.ns(c)
		ratio, _ := r.command.ratio(c, floor)
		lines = append(lines, []string{row.name, fmt.Sprintf("%.2f", ns/1e6), fmt.Sprintf("%.2f", ratio)})
	}
	table(b, []string{"program", "ms", "×"}, lines)
}

// csv writes the measurements.
func (r *results) csv(name string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"part", "row", "order", "descriptors", "round", "ns", "allocations", "bytes"})
	for _, part := range []struct {
		name string
		s    *samples
	}{{"messages", r.traffic}, {"codec", r.codec}, {"command", r.command}} {
		for _, c := range part.s.cells() {
			if part.name == "codec" { // too many to keep each
				w.Write([]string{part.name, c.row, c.order, strconv.Itoa(c.nfds), "",
					number(tenth(part.s.took[c])), number(part.s.allocs[c][0]), ""})
				continue
			}
			for i, ns := range part.s.took[c] {
				w.Write([]string{part.name, c.row, c.order, strconv.Itoa(c.nfds), strconv.Itoa(i), number(ns),
					number(part.s.allocs[c][i]), number(part.s.bytes[c][i])})
			}
		}
	}
	for _, c := range r.insideCells() {
		for i, p := range r.inside[c] {
			w.Write([]string{"in one process", c.row, c.order, strconv.Itoa(c.nfds), strconv.Itoa(i),
				number(p.p10), "", ""})
		}
	}
	for _, how := range []string{"fdpass", "standard"} {
		for _, p := range r.scale[how] {
			w.Write([]string{
				"connections", how, "recv", strconv.Itoa(p.conns), "0", number(p.ns), "", number(p.heap),
			})
		}
	}
	w.Flush()
	return errors.Join(w.Error(), os.WriteFile(name, b.Bytes(), 0o644))
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// cells returns the cells in a fixed order.
func (s *samples) cells() []cell { return sorted(maps.Keys(s.took)) }

func (r *results) insideCells() []cell { return sorted(maps.Keys(r.inside)) }

func sorted(cells iter.Seq[cell]) []cell {
	all := slices.Collect(cells)
	slices.SortFunc(all, func(a, b cell) int {
		const key = "%s %s %04d"
		return strings.Compare(fmt.Sprintf(key, a.row, a.order, a.nfds), fmt.Sprintf(key, b.row, b.order, b.nfds))
	})
	return all
}
