package decode

import (
	"strconv"
	"strings"
)

// assigned is what C and gdb write before a string.
var assigned = pattern(`^\s*[\w$\[\]* ]+=`)

// quoted reads strings in double or single quotes, one after the other, as C
// joins them; gdb has commas between them and folds what is repeated.
func (p *parser) quoted() error {
	for i := len(assigned().FindString(p.text)); i < len(p.text); {
		var err error
		switch c := p.text[i]; {
		case c == '"' || c == '\'':
			i, err = p.str(i)
		case strings.HasPrefix(p.text[i:], "..."):
			err = p.fail(i, "strace left out the rest of the string: give it a larger -s")
			if strings.HasPrefix(strings.TrimSpace(p.text), "$") {
				err = p.fail(i, "gdb left out the rest of the string: set print elements 0")
			}
		case strings.IndexByte(" \t\r\n,;", c) >= 0:
			i++
		case c == '<':
			var n int
			if n, err = p.repeat(i); n == 0 && err == nil {
				err = p.fail(i, "outside of a quoted string")
			}
			i += n
		case c == 'b' && i+1 < len(p.text) && strings.IndexByte(`"'`, p.text[i+1]) >= 0:
			i++ // Python's bytes
		default:
			err = p.fail(i, "outside of a quoted string")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bare reads a string that has lost its quotes.
func (p *parser) bare() (err error) {
	for i := 0; i < len(p.text); {
		c, n := p.text[i], 1
		switch {
		case c == '\\':
			if c, n, err = p.escape(i); err != nil {
				return err
			}
		case strings.IndexByte("\r\n", c) >= 0:
			i++
			continue
		}
		if err := p.add(i, c); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// str reads the string that begins at an offset and returns where it ended.
func (p *parser) str(start int) (end int, err error) {
	for i := start + 1; i < len(p.text); {
		c, n := p.text[i], 1
		switch c {
		case p.text[start]:
			return i + 1, nil
		case '\\':
			if c, n, err = p.escape(i); err != nil {
				return 0, err
			}
		}
		if err := p.add(i, c); err != nil {
			return 0, err
		}
		i += n
	}
	return 0, p.fail(start, "the string is not closed")
}

// escape reads the escape sequence at an offset: what it stands for and how
// long it is. Hex has at most two digits, as strace and Python write it.
func (p *parser) escape(at int) (c byte, n int, err error) {
	rest := p.text[at+1:]
	if rest == "" {
		return 0, 0, p.fail(at, "the string ends in the middle of an escape")
	}
	if i := strings.IndexByte(`abefnrtv\"'`, rest[0]); i >= 0 {
		return "\a\b\x1b\f\n\r\t\v\\\"'"[i], 2, nil
	}
	skip, base, most, digits := 0, 8, 3, "01234567"
	if rest[0] == 'x' {
		skip, base, most, digits = 1, 16, 2, "0123456789abcdefABCDEF"
	}
	number := rest[skip:min(skip+most, len(rest))]
	number = number[:len(number)-len(strings.TrimLeft(number, digits))]
	v, err := strconv.ParseUint(number, base, 8)
	if err != nil {
		return 0, 0, p.fail(at, "%q is not the escape of a byte", p.text[at:at+1+skip+len(number)])
	}
	return byte(v), 1 + skip + len(number), nil
}
