package draw

import (
	"strings"
	"unicode/utf8"
)

// MinWidth is how many columns a drawing needs: a row of 64 bits and its offset.
const MinWidth = margin + width64 + 1

// Style is how a drawing for the terminal looks.
type Style struct {
	Width int  // columns that a line has at most; fewer than MinWidth are taken for that
	Color bool // whether the kinds of bytes are told apart by ANSI colours, too
}

// maxText is how wide a paragraph is at most, in characters.
const maxText = 79

// wrap breaks a text into lines of so many characters. A word that is longer
// has a line for itself.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// ink is what a character is drawn in, as the number of an ANSI escape sequence
// (ECMA-48, SGR); 0 is the terminal's own colour.
type ink byte

const (
	bold  ink = 1
	faint ink = 2
	red   ink = 31
	green ink = 32
	cyan  ink = 36
)

// inks are the colours of cells.
var inks = map[kind]ink{header: cyan, data: green, padding: faint}

// paint returns s in a colour.
func (s Style) paint(in ink, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return escapeSequence(in) + text + escapeSequence(0)
}

func escapeSequence(in ink) string {
	if in < 10 {
		return "\x1b[" + string('0'+rune(in)) + "m"
	}
	return "\x1b[" + string('0'+rune(in/10)) + string('0'+rune(in%10)) + "m"
}

// columns returns how wide a line is in a terminal, which shows no escape sequences.
func columns(line string) (n int) {
	for line != "" {
		before, rest, found := strings.Cut(line, "\x1b[")
		n += utf8.RuneCountInString(before)
		if !found {
			break
		}
		_, line, _ = strings.Cut(rest, "m")
	}
	return n
}
