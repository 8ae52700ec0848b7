// Package lines is what strings.Lines of Go 1.24 is, for Go 1.23.
package lines

import (
	"iter"
	"strings"
)

// Of yields the lines of s, each with its newline; the last may have none.
func Of(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			n := strings.IndexByte(s, '\n') + 1
			if n == 0 {
				n = len(s)
			}
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}
