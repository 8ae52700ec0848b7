// Bench compares ways to read a file of HDFS from the DataNode's machine: by TCP
// and short-circuit, in Go and in Java. It writes RESULTS.md. Run it by make
// bench-hdfs.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"example.com/fdpass/hdfs/internal/cluster"
)

const (
	mib       = 1 << 20
	fileSize  = 256 * mib
	blockSize = 128 * mib
	path      = "/file"
	pieces    = 4096 // bytes of a random read
	warmUps   = 3    // rounds that do not count: the Java machine compiles
)

func main() {
	rounds := flag.Int("rounds", 15, "`number` of rounds")
	out := flag.String("out", "RESULTS.md", "`file` to write")
	readme := flag.String("readme", "README.md", "`file` that has the table as well")
	flag.Parse()
	if err := run(*rounds, *out, *readme); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(rounds int, out, readme string) error {
	start, load := time.Now(), loadAverage()
	dir, err := os.MkdirTemp("", "hdfs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := cluster.Start(dir+"/cluster", 1)
	if err != nil {
		return err
	}
	defer c.Stop()
	if _, err := c.Do("write", path, fileSize, blockSize, 1, "CRC32C", 512); err != nil {
		return err
	}
	rows, closeRows, err := open(c, dir)
	if err != nil {
		return err
	}
	defer closeRows()
	m := measured{}
	for round := range rounds + warmUps {
		fmt.Fprintf(os.Stderr, "\rround %d of %d", round+1, rounds+warmUps)
		into := m
		if round < warmUps {
			into = measured{}
		}
		if err := oneRound(into, rows, round, c); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr)
	if err := os.WriteFile(out, []byte(report(m, rounds, time.Since(start), load)), 0o644); err != nil {
		return err
	}
	return intoREADME(readme, intro(rounds)+table(m))
}

// cell is what is measured of a row.
type cell struct{ row, what string }

// What is measured.
const (
	whole     = "whole"     // nanoseconds for the whole file
	clientCPU = "clientCPU" // nanoseconds of the client's processors for it
	nodeCPU   = "nodeCPU"   // and of the DataNode's, with the NameNode's
	piece     = "piece"     // nanoseconds for a random read
	first     = "first"     // nanoseconds until the first byte of a file
	verifying = "verifying" // nanoseconds of the processor for the checksums of the whole file
)

// measured has a sample for each round.
type measured map[cell][]float64

func (m measured) add(row, what string, v float64) {
	m[cell{row, what}] = append(m[cell{row, what}], v)
}

func (m measured) median(row, what string) float64 {
	v := slices.Sorted(slices.Values(m[cell{row, what}]))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// oneRound does everything once, one after the other. Each round begins with
// another row.
func oneRound(m measured, rows []*row, round int, c *cluster.Cluster) error {
	at := round % len(rows)
	for _, r := range slices.Concat(rows[at:], rows[:at]) {
		if err := r.measure(m, c); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	m.add(ourReplicas, verifying, verifyAll())
	return nil
}

// measure does what a row can.
func (r *row) measure(m measured, c *cluster.Cluster) error {
	if r.whole != nil {
		client, node := r.cpu(), nodeTime(c)
		took, err := r.whole()
		if err != nil {
			return err
		}
		m.add(r.name, whole, took)
		m.add(r.name, clientCPU, r.cpu()-client)
		m.add(r.name, nodeCPU, nodeTime(c)-node)
	}
	took, err := r.random(r.count)
	if err != nil {
		return err
	}
	m.add(r.name, piece, took/float64(r.count))
	const times = 10
	total := 0.0
	for range times {
		took, err := r.first()
		if err != nil {
			return err
		}
		total += took
	}
	m.add(r.name, first, total/times)
	return nil
}
