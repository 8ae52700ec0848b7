package decode

import (
	"strconv"
	"strings"
)

// gdbArray is how gdb's p begins an array, which may have characters in it.
var gdbArray = pattern(`^\s*\$[0-9]+ = \{`)

// leastDecimals is how many numbers a list without brackets has at least: the
// smallest header has 12 bytes.
const leastDecimals = 12

// isDecimal reports whether the text is decimal numbers of bytes with blanks or
// commas between them. Plain hex has two digits for each byte.
func isDecimal(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,", r) })
	odd := false
	for _, w := range words {
		if n, err := strconv.ParseUint(w, 10, 8); err != nil || strconv.FormatUint(n, 10) != w {
			return false
		}
		odd = odd || len(w) != 2
	}
	return odd && len(words) >= leastDecimals
}

// array reads numbers between two brackets, or everywhere if there are none. What
// stands around the brackets is C's business.
func (p *parser) array(open, end byte) error {
	from, to := 0, len(p.text)
	if i := strings.IndexByte(p.text, open); i >= 0 {
		from = i + 1
		n := strings.IndexByte(p.text[from:], end)
		if n < 0 {
			return p.fail(i, "the brace is not closed")
		}
		to = from + n
	}
	for i := from; i < to; {
		n, err := p.arrayElement(i, to)
		if err != nil {
			return err
		}
		i += n
	}
	return nil
}

// arrayElement reads what stands at an offset of the text and returns how long it
// is: a number, what is between numbers, or what gdb adds to one.
func (p *parser) arrayElement(i, to int) (length int, err error) {
	switch c := p.text[i]; {
	case strings.IndexByte(" \t\r\n,", c) >= 0:
		return 1, nil
	case c == '\'':
		if m := charLiteral().FindStringIndex(p.text[i:to]); m != nil && m[0] == 0 {
			return m[1], nil
		}
	case c == '<':
		if n, err := p.repeat(i); n > 0 || err != nil {
			return n, err
		}
	case strings.HasPrefix(p.text[i:], "..."):
		return 0, p.fail(i, "the rest is left out; in gdb, set print elements 0")
	}
	n := strings.IndexAny(p.text[i:to], " \t\r\n,")
	if n < 0 {
		n = to - i
	}
	c, err := strconv.ParseUint(p.text[i:i+n], 0, 8)
	if err != nil {
		return 0, p.fail(i, "%.20q is not a number from 0 to 255", p.text[i:i+n])
	}
	return n, p.add(i, byte(c))
}
