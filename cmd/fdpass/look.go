package main

import "os"

// look is how output looks where it goes to.
type look struct {
	width int  // columns
	color bool // whether to use colours
}

// pipeWidth is the width of what goes to a file or a pipe, and of a terminal that
// does not know its own.
const pipeWidth = 80

// lookOf finds out how output to f may look. There are colours in a terminal that
// has any, unless NO_COLOR is set to something (no-color.org).
func lookOf(f *os.File) look {
	columns, ok := terminalColumns(f)
	term := os.Getenv("TERM")
	l := look{pipeWidth, ok && os.Getenv("NO_COLOR") == "" && term != "" && term != "dumb"}
	if ok && columns > 0 {
		l.width = columns
	}
	return l
}
