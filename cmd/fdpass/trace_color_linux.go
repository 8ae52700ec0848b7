package main

import (
	"os"
	"strings"
)

// color reports whether what trace writes goes to a terminal with colours.
func (t *tracer) color() bool {
	switch t.file {
	case "":
		return lookOf(os.Stderr).color
	case "-":
		return lookOf(os.Stdout).color
	}
	return false
}

// redden makes the lines of a message red that say what is wrong.
func redden(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "  wrong: ") {
			lines[i] = "\x1b[31m" + strings.TrimSuffix(line, "\n") + "\x1b[0m\n"
		}
	}
	return strings.Join(lines, "")
}
