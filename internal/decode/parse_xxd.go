package decode

import (
	"slices"
	"strings"
)

// hexGroup is one of xxd's groups, and the blanks that follow it.
var hexGroup = pattern(`^[0-9a-fA-F]+( +)`)

// beforeCharacters returns how much of a line of xxd is hex: what has as many bytes as
// there are characters after it. It is 0 if there are no characters. With -e there
// are blanks in front of a group that is not whole.
func beforeCharacters(line string) int {
	digits := 0
	for at := 0; ; {
		m := hexGroup().FindStringSubmatchIndex(line[at:])
		if m == nil {
			return 0
		}
		digits += m[2]
		if blanks := m[3] - m[2]; blanks >= 2 && 2*len([]rune(line[at+m[1]:])) == digits {
			return at + m[2]
		}
		at += m[1]
	}
}

// binaryDigits are those of a line of xxd -b: eight for each byte.
var binaryDigits = pattern(`^((?:[01]{8} )*[01]{8}) +([^ ].*)$`)

// isBinary reports whether a line is one of xxd -b: it has at most one character for
// eight digits, and not one for every two.
func isBinary(line string) bool {
	m := binaryDigits().FindStringSubmatch(line)
	return m != nil && len([]rune(m[2])) <= len(strings.Fields(m[1]))
}

// characters remembers the characters of a line with n bytes, whose hex is as long
// as said, and how large its groups are.
func (d *dumper) characters(line string, hex, n int) {
	if d.group == 0 {
		first, _, _ := strings.Cut(strings.TrimSpace(line[:hex]), " ")
		d.group = len(first) / 2
	}
	chars := strings.TrimLeft(line[hex:], " ")
	if len(chars) == n {
		d.chars = append(d.chars, chars...)
	}
}

// order decides whether xxd was called with -e, which turns the bytes of each group
// around: from the characters, which it does not turn around, or from which way
// makes sense. xxd has groups of two without -e, and of four with it.
func (d *dumper) order() error {
	turned := turnedAround(d.out, d.group)
	plainFits, turnedFits := fitCharacters(d.out, d.chars), fitCharacters(turned, d.chars)
	switch {
	case d.group < 2 || string(turned) == string(d.out) || plainFits && !turnedFits:
		return nil
	case turnedFits && !plainFits:
		d.out = turned
		return nil
	}
	switch c := d.sense(turned).compare(d.sense(d.out)); {
	case c > 0:
		d.out = turned
	case c == 0 && d.group != 2:
		return d.fail(d.first, "groups of %d bytes: xxd -e turns them around and xxd -g %[1]d does not, "+
			"and which of them it was does not show; use xxd without -e", d.group)
	}
	return nil
}

// turnedAround returns b with the bytes of each group in the opposite order.
func turnedAround(b []byte, group int) []byte {
	b = slices.Clone(b)
	for i := 0; group > 1 && i < len(b); i += group {
		slices.Reverse(b[i:min(i+group, len(b))])
	}
	return b
}

// fitCharacters reports whether chars may be xxd's column of characters for b.
func fitCharacters(b, chars []byte) bool {
	if len(b) != len(chars) {
		return true // some lines had none
	}
	for i, c := range b {
		if c < ' ' || c > '~' {
			c = '.'
		}
		if c != chars[i] {
			return false
		}
	}
	return true
}
