package decode

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"example.com/fdpass/internal/abi"
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
// recognizes by itself:
//
//	14000000 00000000 01…                   hex digits in pairs, xxd -p
//	00000000: 1400 0000 0000 0000  ........ xxd, also with -e
//	00000000  14 00 00 00 00 00  |......|   hexdump -C
//	0000000 000024 000000 000000            od, hexdump; with most of their options
//	0x7ffe10 <buf>:	0x14	0x00	0x00            gdb's x
//	$1 = "\024", '\000' <repeats 7 times>    gdb's p
//	"\24\0\0\0\0\0\0\0\1\0\0\0\x01\x00"     strace, C, Python; or without the quotes
//	{0x14, 0x00, 0, 0, 0}                   C, xxd -i; or no braces, but an 0x
//	[20, 0, 0, 0]                           decimal numbers; or no brackets
//	msg_control=[{cmsg_len=20, …}]          strace, or the whole line
//
// What contains a zero byte is no text: those are the bytes themselves. Words of
// od, hexdump and gdb are little-endian, unless only the other way makes sense.
// Messages of strace have no bytes; they are put together as this machine's kernel
// would, or as the first architecture in [abi.All] would that their lengths suit.
// An error is a [*SyntaxError].
func Parse(text string) ([]byte, error) { return (&parser{text: text}).parse() }

// ParseFor is Parse for bytes of the architecture a: of what leaves the byte order
// or the word size open, it takes a's.
func ParseFor(a abi.Arch, text string) ([]byte, error) {
	return (&parser{text: text, arch: &a}).parse()
}

func (p *parser) parse() ([]byte, error) {
	text := p.text
	var err error
	switch {
	case strings.Contains(text, "\x00"):
		err = p.raw()
	case p.isDump():
		err = p.dump()
	case p.isStrace():
		err = p.strace()
	case p.isMemory():
		err = p.memory()
	case p.isColumns():
		err = p.columns()
	case gdbArray().MatchString(text):
		err = p.array('{', '}')
	case strings.ContainsAny(text, `"'`):
		err = p.quoted()
	case strings.HasPrefix(strings.TrimSpace(text), `\`):
		err = p.bare()
	case strings.Contains(text, "{") || strings.Contains(strings.ToLower(text), "0x"):
		err = p.array('{', '}')
	case strings.Contains(text, "[") || isDecimal(text):
		err = p.array('[', ']')
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
	arch *abi.Arch // whose bytes they are, if that is known
}

// raw takes the text as the bytes themselves.
func (p *parser) raw() error {
	if len(p.text) > MaxBuffer {
		return p.fail(MaxBuffer, "more than %d bytes", MaxBuffer)
	}
	p.out = []byte(p.text)
	return nil
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

// digit returns the hex digit at an offset of the text.
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
