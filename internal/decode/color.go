package decode

import "fmt"

// What a line is written in: the numbers of ANSI escape sequences (ECMA-48, SGR);
// 0 is the terminal's own.
const (
	plainInk = 0
	bold     = 1
	faint    = 2
	red      = 31
)

// painter writes in colours, if it is on.
type painter struct{ on bool }

func (p painter) paint(ink int, s string) string {
	if !p.on || ink == plainInk || s == "" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", ink, s)
}

// ink is faint for bytes that mean nothing.
func (f Field) ink() int {
	if f.Name == "padding" || f.Name == "unused" {
		return faint
	}
	return plainInk
}
