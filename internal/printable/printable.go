// Package printable makes text safe to write to a terminal. The names of files,
// sockets and processes, and the errors that repeat them, are chosen by other
// programs, and may hold the escape sequences that a terminal obeys.
package printable

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as it is if it is valid UTF-8 and consists of printable
// characters, and otherwise as a Go string literal: in quotation marks, with
// escapes for everything else. A line feed is not printable, so the result is
// part of one line. What is printable is what [unicode.IsPrint] says: neither the
// control characters from 0x80 to 0x9f nor those that change the direction of
// writing are.
func Line(s string) string {
	if IsLine(s) {
		return s
	}
	return strconv.Quote(s)
}

// IsLine reports whether [Line] returns s as it is.
func IsLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}

// IsText reports whether s is valid UTF-8 of printable characters, line feeds and
// tabs, so that it can be written in several lines.
func IsText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unprintable(r) && r != '\n' && r != '\t'
	})
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
