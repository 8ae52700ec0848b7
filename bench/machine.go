package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// describe says what this ran on.
func describe(s *settings) []string {
	var u syscall.Utsname
	syscall.Uname(&u)
	return []string{
		"machine: " + cpu() + fmt.Sprintf(", %d CPUs, %s", runtime.NumCPU(), runtime.GOARCH),
		"kernel: " + text(u.Sysname[:]) + " " + text(u.Release[:]),
		"Go: " + runtime.Version(),
		"C: " + firstLine("gcc", "--version"),
		"Python: " + firstLine(s.python, "--version"),
		"date: " + time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		"load average at the start: " + load(),
	}
}

// load returns the load average: how busy the machine is with other things.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:2], ", ")
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

func firstLine(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// text returns a string of C.
func text[T int8 | uint8](c []T) string {
	var b strings.Builder
	for _, x := range c {
		if x == 0 {
			break
		}
		b.WriteByte(byte(x))
	}
	return b.String()
}
