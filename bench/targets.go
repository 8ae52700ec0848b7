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
	for _, t := range slices.Concat(r.trafficTargets(), r.otherTargets()) {
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

func (r *results) trafficTargets() []target {
	ratio := func(order string, n int, row, other string) float64 {
		v, _ := r.traffic.ratio(cell{row, order, n}, cell{other, order, n})
		return v
	}
	_, ourSlope := r.line("Receiver-bare")
	_, floorSlope := r.line(floorSingle)
	// What C's recvmsg reaches.
	atMost := func(order string, n int) string {
		return fmt.Sprintf(" (C: %.3g)", ratio(order, n, "standard", floorSingle))
	}
	return []target{
		most("`Receiver`, bare descriptor, 1 descriptor, to C `recvmsg`", ratio("recv", 1, "Receiver-bare", floorSingle), 1.10),
		most("`Receiver`, `net.UnixConn`, 1 descriptor, to C `recvmsg`", ratio("recv", 1, "Receiver-conn", floorSingle), 1.15),
		least("standard library to `Receiver` on `net.UnixConn`, receiving 1"+atMost("recv", 1), ratio("recv", 1, "standard", "Receiver-conn"), 1.3),
		least("the same, receiving 253"+atMost("recv", 253), ratio("recv", 253, "standard", "Receiver-conn"), 1.3),
		least("the same, receiving and closing 1"+atMost("both", 1), ratio("both", 1, "standard", "Receiver-conn"), 1.3),
		least("the same, receiving and closing 253"+atMost("both", 253), ratio("both", 253, "standard", "Receiver-conn"), 1.3),
		most("batch of 64, bare descriptor, to C `recvmmsg`", ratio("recv", 1, "Batch-bare", floorBatch), 1.10),
		most("batch of 64, `net.UnixConn`, to C `recvmmsg`", ratio("recv", 1, "Batch-conn", floorBatch), 1.10),
		most("batch of 64, bare descriptor, to C's single `recvmsg`", ratio("recv", 1, "Batch-bare", floorSingle), 0.85),
		most("`Receiver`, bare descriptor, 253 descriptors, to C `recvmsg`", ratio("recv", 253, "Receiver-bare", floorSingle), 1.05),
		most("its slope, to C's", ourSlope/floorSlope, 1.05),
		least("fastest other row to `Receiver` on `net.UnixConn`, receiving 1", r.fastestOther("recv", 1), 1),
		least("the same, receiving 253", r.fastestOther("recv", 253), 1),
	}
}

// fastestOther is the time of the fastest row that is neither ours nor C's, over
// that of Receiver on net.UnixConn.
func (r *results) fastestOther(order string, n int) float64 {
	var ratios []float64
	for _, row := range rows {
		c := cell{row.key, order, n}
		if v, ok := r.traffic.ratio(c, cell{"Receiver-conn", order, n}); ok && !row.ours && !row.c {
			ratios = append(ratios, v)
		}
	}
	return slices.Min(ratios)
}

func (r *results) otherTargets() []target {
	var t []target
	for _, n := range tableCounts {
		v, _ := r.codec.ratio(cell{"syscall", "parse", n}, cell{"fdpass", "parse", n})
		t = append(t, least(fmt.Sprintf("syscall's parser to ours, %d descriptors", n), v, 3))
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
	last := len(scaleCounts) - 1
	return append(t,
		most("allocations a message: `Receiver`, `Sender`, batches", allocs, 0),
		most(fmt.Sprintf("bytes of a `Receiver` for each of %d connections", scaleCounts[last]), r.scale["fdpass"][last].heap, 1024),
	)
}
