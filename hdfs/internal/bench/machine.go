package main

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass/hdfs"
	"example.com/fdpass/hdfs/internal/cluster"
)

// ownTime returns how long this process has used processors, in nanoseconds.
func ownTime() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// nodeTime is the same for the process of the DataNode and the NameNode.
func nodeTime(c *cluster.Cluster) float64 {
	answer, _ := c.Do("cpu")
	ns, _ := strconv.ParseFloat(answer, 64)
	return ns
}

var sink uint32

// verifyAll returns how much processor time it takes to compute the checksums of as many bytes as the
// file has, 512 each, in a buffer that fits into a processor's cache.
func verifyAll() float64 {
	table := crc32.MakeTable(crc32.Castagnoli)
	b := buffer[:256<<10]
	start := ownTime()
	for range fileSize / len(b) {
		for i := 0; i < len(b); i += 512 {
			sink ^= crc32.Update(0, table, b[i:i+512])
		}
	}
	return ownTime() - start
}

// located is a block, its DataNode's socket, and the right to read it.
type located struct {
	block  shortcircuit.Block
	token  shortcircuit.Token
	socket string
}

func locate(c *cluster.Cluster) (ls []located, err error) {
	answer, err := c.Do("blocks", path)
	if err != nil {
		return nil, err
	}
	for w := strings.Fields(answer); len(w) >= 9; w = w[9:] {
		var l located
		l.block.Pool = w[0]
		_, err := fmt.Sscan(strings.Join(w[1:4], " "), &l.block.ID, &l.block.GenerationStamp, &l.block.Length)
		if err != nil {
			return nil, err
		}
		l.socket = strings.Replace(c.Socket(), "_PORT", w[4], 1)
		l.token.Identifier, _ = hex.DecodeString(w[5])
		l.token.Password, _ = hex.DecodeString(w[6])
		l.token.Kind, l.token.Service = w[7], strings.Trim(w[8], `"`)
		ls = append(ls, l)
	}
	return ls, nil
}

// describe says what this ran on.
func describe() []string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	java, _ := exec.Command("java", "-version").CombinedOutput()
	return []string{
		fmt.Sprintf("machine: %s, %d CPUs, %s", cpu(), runtime.NumCPU(), runtime.GOARCH),
		"kernel: Linux " + strings.TrimSpace(string(release)),
		"Go: " + runtime.Version(),
		"Java: " + strings.Split(string(java), "\n")[0],
		"Hadoop: that of internal/cluster/pom.xml; colinmarc/hdfs: that of go.mod",
		"scheduling: " + scheduling(),
		"date: " + time.Now().UTC().Format("2006-01-02 15:04 UTC"),
	}
}

// scheduling returns the policy under which this process and its children share the
// processors with other programs: SCHED_OTHER unless somebody has changed it, by
// chrt(1) for instance.
func scheduling() string {
	b, _ := os.ReadFile("/proc/self/stat")
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 39 { // proc_pid_stat(5): rt_priority and policy are 40 and 41
		return "unknown"
	}
	names := map[string]string{
		"0": "SCHED_OTHER", "1": "SCHED_FIFO", "2": "SCHED_RR", "3": "SCHED_BATCH", "5": "SCHED_IDLE",
	}
	return fmt.Sprintf("%s, real-time priority %s", names[fields[38]], fields[37])
}

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t :\n")
		}
	}
	return "unknown CPU"
}

// loadAverage returns how busy the machine is with other things.
func loadAverage() float64 {
	b, _ := os.ReadFile("/proc/loadavg")
	v, _ := strconv.ParseFloat(strings.Fields(string(b) + " -1")[0], 64)
	return v
}
