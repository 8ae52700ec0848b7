package decode

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxBuffer is how many bytes Parse reads at most. The kernel takes 128 KiB
// of control messages, unless net.core.optmem_max says otherwise, and hands
// out far fewer.
const MaxBuffer = 256 << 10

// SyntaxError is a place in a text that Parse cannot read.
type SyntaxError struct {
	Line, Column int // from 1, in characters
	Reason       string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Parse reads bytes that are written down in one of these forms, which it
// tells apart by itself:
//
//	14000000 00000000 01…                   hex digits in pairs, xxd -p
//	00000000: 1400 0000 0000 0000  ........ xxd
//	00000000  14 00 00 00 00 00  |......|   hexdump -C
//	"\24\0\0\0\0\0\0\0\1\0\0\0\x01\x00"     strace, C, Python
//	{0x14, 0x00, 0, 0, 0}                   C, xxd -i; or no braces, but an 0x
//
// An error is a [*SyntaxError].
func Parse(text string) ([]byte, error) {
	p := &parser{text: text}
	var err error
	switch {
	case p.isDump():
		err = p.dump()
	case strings.ContainsAny(text, `"'`):
		err = p.quoted()
	case strings.Contains(text, "{") || strings.Contains(strings.ToLower(text), "0x"):
		err = p.array()
	default:
		err = p.hex(0, len(text))
	}
	if err != nil {
		return nil, err
	}
	return p.out, nil
}

// parser reads text. Places are offsets in it until they end up in an error.
type parser struct {
	text string
	out  []byte
}

// fail says what is wrong at an offset of the text.
func (p *parser) fail(at int, format string, args ...any) error {
	before := p.text[:at]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return &SyntaxError{
		Line:   1 + strings.Count(before, "\n"),
		Column: 1 + utf8.RuneCountInString(line),
		Reason: fmt.Sprintf(format, args...),
	}
}

// add appends a byte, which was read at an offset of the text.
func (p *parser) add(at int, c byte) error {
	if len(p.out) == MaxBuffer {
		return p.fail(at, "more than %d bytes", MaxBuffer)
	}
	p.out = append(p.out, c)
	return nil
}

// hex reads text[from:to]: pairs of hex digits, with white space, commas and
// colons between pairs, but not within one.
func (p *parser) hex(from, to int) error {
	for i := from; i < to; i++ {
		if strings.IndexByte(" \t\r\n,:", p.text[i]) >= 0 {
			continue
		}
		hi, err := p.digit(i)
		if err != nil {
			return err
		}
		if i++; i == to || strings.IndexByte(" \t\r\n,:", p.text[i]) >= 0 {
			return p.fail(i-1, "an odd number of hex digits: %q has no second one", p.text[i-1])
		}
		lo, err := p.digit(i)
		if err != nil {
			return err
		}
		if err := p.add(i, hi<<4|lo); err != nil {
			return err
		}
	}
	return nil
}

// digit is the hex digit at an offset of the text.
func (p *parser) digit(at int) (byte, error) {
	switch c := p.text[at]; {
	case c >= '0' && c <= '9':
		return c - '0', nil
	case c|' ' >= 'a' && c|' ' <= 'f':
		return c | ' ' - 'a' + 10, nil
	}
	r, _ := utf8.DecodeRuneInString(p.text[at:])
	return 0, p.fail(at, "%q is no hex digit", r)
}

// array reads numbers between braces, or everywhere if there are none. What
// stands around the braces is C's business.
func (p *parser) array() error {
	from, to := 0, len(p.text)
	if i := strings.IndexByte(p.text, '{'); i >= 0 {
		from = i + 1
		n := strings.IndexByte(p.text[from:], '}')
		if n < 0 {
			return p.fail(i, "the brace is not closed")
		}
		to = from + n
	}
	for i := from; i < to; i++ {
		n := strings.IndexAny(p.text[i:to], " \t\r\n,")
		if n == 0 {
			continue
		}
		if n < 0 {
			n = to - i
		}
		c, err := strconv.ParseUint(p.text[i:i+n], 0, 8)
		if err != nil {
			return p.fail(i, "%.20q is not a number from 0 to 255", p.text[i:i+n])
		}
		if err := p.add(i, byte(c)); err != nil {
			return err
		}
		i += n
	}
	return nil
}
