package main

import (
	"bytes"
	"fmt"
	"slices"
)

// target is a figure to reach.
type target struct {
	what  string
	bound string
	value float64
	met   bool
}

func (r *results) targets(b *bytes.Buffer) {
	var lines [][]string
	for _, t := range slices.Concat(r.insideTargets(), r.otherTargets()) {
		verdict := "no"
		if t.met {
			verdict = "yes"
		}
		lines = append(lines, []string{t.what, t.bound, fmt.Sprintf("%.3g", t.value), verdict})
	}
	table(b, []string{"what", "target", "measured", "reached"}, lines)
}

func most(what string, value, bound float64) target {
	return target{what, fmt.Sprintf("≤ %.4g", bound), value, value <= bound}
}

func least(what string, value, bound float64) target {
	return target{what, fmt.Sprintf("≥ %.4g", bound), value, value >= bound}
}

// insideTargets returns those of the rows that share a process.
func (r *results) insideTargets() []target {
	ratio := func(order string, n int, row, other string) float64 {
		return r.insideRatio(cell{row, order, n}, cell{other, order, n}).median
	}
	ns := func(row string) float64 { return r.insideNs(cell{row, "recv", 1}) }
	t := []target{
		most("`Receiver`, bare descriptor, 1 descriptor, to C `recvmsg`", ratio("recv", 1, "bare", "C"),
			1.08),
		most("`Receiver`, `net.UnixConn`, 1", ratio("recv", 1, "conn", "C"), 1.15),
		most("`RecvFDs`, 1", ratio("recv", 1, "RecvFDs", "C"), 1.15),
		most("`SendFDs`, 1, to C `sendmsg`", ratio("send", 1, "RecvFDs", "C"), 1.42),
		least("x/sys to `RecvFDs`, receiving 1", ratio("recv", 1, "xsys", "RecvFDs"), 1),
		least("standard library to `RecvFDs`, receiving 1", ratio("recv", 1, "standard", "RecvFDs"), 1),
		most("`Sender`, bare descriptor, 1, to C `sendmsg`", ratio("send", 1, "bare", "C"), 1.10),
		most("`Sender`, `net.UnixConn`, 1", ratio("send", 1, "conn", "C"), 1.16),
		most("overhead above C of `Receiver` on `net.UnixConn` to that of the standard library, receiving 1",
			(ns("conn")-ns("C"))/(ns("standard")-ns("C")), 0.4),
	}
	for i, bound := range []float64{1.12, 1, 0.8, 0.75} {
		n := tableCounts[i]
		what := fmt.Sprintf("receive and close %d, bare descriptor, to C's loop", n)
		t = append(t, most(what, ratio("both", n, "bare", "C"), bound))
	}
	return append(t,
		most("batch of 64 with closing, 1 descriptor each, bare descriptor, to C `recvmmsg` and loop",
			ratio("both", 1, "batch-bare", "C-batch"), 0.95),
		most("the same, `net.UnixConn`", ratio("both", 1, "batch-conn", "C-batch"), 0.95),
		most("receive 253, bare descriptor", ratio("recv", 253, "bare", "C"), 1.02),
		most("253 files of `TakeFiles`, to a loop of `os.NewFile`", ratio("recv", 253, "files", "newfile"),
			1.05),
	)
}

func (r *results) otherTargets() []target {
	var t []target
	for _, c := range []struct {
		order  string
		bounds []float64
	}{{"parse", []float64{3, 2.7, 2.8, 3}}, {"append", []float64{2, 1.8, 1.5, 1.5}}} {
		for i, n := range tableCounts {
			v, _ := r.codec.ratio(cell{"syscall", c.order, n}, cell{"fdpass", c.order, n})
			what := fmt.Sprintf("%s %d: how many times as fast as package syscall", c.order, n)
			t = append(t, least(what, v, c.bounds[i]))
		}
	}
	for i, n := range scaleCounts {
		if bound := map[int]float64{1000: 0.9, 10000: 0.97}[n]; bound != 0 {
			what := fmt.Sprintf("%d connections, CPU a message, to the standard library", n)
			t = append(t, most(what, r.scale["fdpass"][i].cpu/r.scale["standard"][i].cpu, bound))
		}
	}
	var allocs float64
	for _, key := range []string{"Receiver-bare", "Receiver-conn", "Batch-bare", "Batch-conn"} {
		for _, order := range orders {
			for _, n := range tableCounts {
				if v := r.traffic.allocs[cell{key, order, n}]; len(v) > 0 {
					allocs = max(allocs, median(v))
				}
			}
		}
	}
	for _, n := range tableCounts {
		for _, order := range []string{"parse", "append"} {
			allocs = max(allocs, r.codec.allocs[cell{"fdpass", order, n}][0])
		}
	}
	last := len(scaleCounts) - 1
	return append(t,
		most("allocations a message: `Receiver`, `Sender`, batches, codec", allocs, 0),
		most(fmt.Sprintf("bytes of a `Receiver` for each of %d connections", scaleCounts[last]),
			r.scale["fdpass"][last].heap, 1024),
	)
}
