package decode

import (
	"bytes"
	"strconv"
	"strings"
)

// dumpLine is a line of xxd or of hexdump -C: an offset, and after a colon or
// a blank what is at it. hexdump's last line is only an offset.
var dumpLine = pattern(`^[ \t]*([0-9a-fA-F]{4,16})(: |  |$)`)

// hexdumpLine is a line of hexdump -C that has bytes: two digits each, and the
// column of characters. A line of strace may begin with a number, too.
var hexdumpLine = pattern(`^[ \t]*[0-9a-fA-F]{4,16}  (?:[0-9a-fA-F]{2} .*)?\|`)

// isDump reports whether the text begins with a line of xxd or of hexdump -C.
// Without xxd's colon only the column of characters shows that it is not plain hex.
func (p *parser) isDump() bool {
	line, _, _ := strings.Cut(strings.TrimLeft(p.text, " \t\r\n"), "\n")
	m := dumpLine().FindStringSubmatch(line)
	return m != nil && m[2] == ": " || hexdumpLine().MatchString(line)
}

// dump reads lines of xxd or of hexdump -C. The first may be at any offset;
// the others have to follow it.
func (p *parser) dump() error {
	d := dumper{parser: p, base: -1, star: -1}
	for at := 0; at < len(p.text); {
		line, _, _ := strings.Cut(p.text[at:], "\n")
		if err := d.line(at, strings.TrimRight(line, " \t\r")); err != nil {
			return err
		}
		at += len(line) + 1
	}
	if d.star >= 0 {
		return p.fail(d.star, "no line follows to say how often the one before is repeated")
	}
	return d.order()
}

// dumper is a parser in the middle of a dump.
type dumper struct {
	*parser
	base int    // offset of the first byte; -1 before the first line
	last []byte // of the line before
	star int    // where in the text hexdump's "*" stands; -1 if the line before is none

	group int    // bytes in one of xxd's groups
	chars []byte // xxd's column of characters
	first int    // where in the text the first line stands
}

// line reads one line, which stands at an offset of the text.
func (d *dumper) line(at int, line string) error {
	switch strings.TrimSpace(line) {
	case "":
		return nil
	case "*":
		if len(d.last) == 0 {
			return d.fail(at, "no line to repeat")
		}
		d.star = at
		return nil
	}
	m := dumpLine().FindStringSubmatchIndex(line)
	if m == nil {
		return d.fail(at, "no offset, as the lines before have")
	}
	off, err := strconv.ParseInt(line[m[2]:m[3]], 16, 0)
	if err != nil {
		return d.fail(at+m[2], "the offset %s is too large", line[m[2]:m[3]])
	}
	if d.base < 0 {
		d.base = int(off)
	}
	if err := d.reach(at+m[2], int(off)); err != nil {
		return err
	}
	start := len(d.out)
	xxd := line[m[4]:m[5]] == ": "
	if xxd && isBinary(line[m[1]:]) {
		return d.fail(at+m[1], "binary digits, as xxd -b prints them; use xxd without -b")
	}
	n := hexPart(line[m[1]:], xxd)
	err = d.hex(at+m[1], at+m[1]+n)
	if xxd {
		d.characters(line[m[1]:], n, len(d.out)-start)
	}
	d.last = d.out[start:len(d.out):len(d.out)]
	return err
}

// hexPart returns how much of a line is hex: up to two blanks in xxd's lines, up to
// a bar in hexdump's.
func hexPart(line string, xxd bool) int {
	end := "|"
	if xxd {
		if n := beforeCharacters(line); n > 0 {
			return n
		}
		end = "  "
	}
	if i := strings.Index(line, end); i >= 0 {
		return i
	}
	return len(line)
}

// reach repeats the last line up to off if hexdump's star says so, and checks
// that what has been read ends there.
func (d *dumper) reach(at, off int) error {
	n := off - d.base - len(d.out)
	if d.star >= 0 && n > 0 && n%len(d.last) == 0 {
		if n > MaxBuffer-len(d.out) {
			return d.fail(at, "more than %d bytes", MaxBuffer)
		}
		d.out = append(d.out, bytes.Repeat(d.last, n/len(d.last))...)
		n = 0
	}
	d.star = -1
	if n != 0 {
		return d.fail(at, "offset 0x%x, and 0x%x should follow", off, d.base+len(d.out))
	}
	return nil
}
