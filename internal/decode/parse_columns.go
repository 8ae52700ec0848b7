package decode

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// columnLine is a line of od or of hexdump without -C: an offset of 7 digits, or
// of 6 as od -Ax has it, and numbers.
var columnLine = pattern(`^([0-9a-f]{6,7})(?:[ \t]+(.*))?$`)

// isColumns reports whether the text is what od or hexdump prints. Seven digits
// cannot be plain hex, which comes in pairs; six can, so there the offset has to be
// zero and the last line an offset only.
func (p *parser) isColumns() bool {
	lines := strings.Split(strings.TrimRight(p.text, " \t\r\n"), "\n")
	m := columnLine().FindStringSubmatch(strings.TrimRight(lines[0], " \t\r"))
	if m == nil || m[2] == "" {
		return false
	}
	last := strings.TrimSpace(lines[len(lines)-1])
	return len(m[1]) == 7 || strings.Trim(m[1], "0") == "" && len(last) == 6 && len(lines) > 1
}

// column is a line of a dump: where it stands in the text, its offset, and its
// words; or hexdump's star.
type column struct {
	at     int
	offset string
	words  []string
	star   bool
}

// columns reads what od or hexdump prints, whatever the radix of its offsets and
// the size and the radix of its words.
func (p *parser) columns() error {
	var lines []column
	for at := 0; at < len(p.text); {
		line, _, _ := strings.Cut(p.text[at:], "\n")
		if s := strings.TrimRight(line, " \t\r"); s != "" {
			c, err := p.column(at, s)
			if err != nil {
				return err
			}
			lines = append(lines, c)
		}
		at += len(line) + 1
	}
	k, err := p.wordKind(lines)
	if err != nil {
		return err
	}
	for _, base := range []int{16, 8, 10} {
		var little, big []byte
		if little, err = p.assemble(lines, base, k, binary.LittleEndian); err == nil {
			big, err = p.assemble(lines, base, k, binary.BigEndian)
			p.out = p.likelier(little, big)
			return err
		}
	}
	return err
}

// column splits a line, which stands at an offset of the text.
func (p *parser) column(at int, line string) (column, error) {
	if line == "*" {
		return column{at: at, star: true}, nil
	}
	m := columnLine().FindStringSubmatch(line)
	if m == nil {
		return column{}, p.fail(at, "no offset, as the lines before have")
	}
	body := line[len(m[1]):]
	if strings.HasSuffix(body, "<") { // od's z: the characters
		body, _, _ = strings.Cut(body, "  >")
	}
	c := column{at: at, offset: m[1], words: strings.Fields(body)}
	if strings.Contains(body, `\`) {
		c.words = characterCells(body)
	}
	return c, nil
}

// characterCells returns the cells of od -c, of four characters each. One that is
// blank is a blank.
func characterCells(body string) (cells []string) {
	for len(body) > 0 {
		n := min(4, len(body))
		cell := strings.TrimSpace(body[:n])
		if cell == "" {
			cell = " "
		}
		cells = append(cells, cell)
		body = body[n:]
	}
	return cells
}

// wordKind is how words are written: how many bytes each stands for, and in what
// base; base 0 is od -c.
type wordKind struct{ size, base int }

// wordKind finds out from the widths of all the words how they are written.
func (p *parser) wordKind(lines []column) (wordKind, error) {
	var widths []int
	for _, c := range lines {
		for _, w := range c.words {
			if strings.HasPrefix(w, `\`) {
				return wordKind{1, 0}, nil
			}
			widths = append(widths, len(w))
		}
	}
	if len(widths) == 0 {
		return wordKind{}, p.fail(0, "no bytes")
	}
	if slices.Min(widths) != slices.Max(widths) {
		return wordKind{1, 10}, nil // od -tu1
	}
	k, ok := map[int]wordKind{1: {1, 10}, 2: {1, 16}, 3: {1, 8}, 4: {2, 16}, 5: {2, 10}, 6: {2, 8},
		8: {4, 16}, 11: {4, 8}, 16: {8, 16}}[widths[0]]
	if !ok {
		return k, p.fail(lines[0].at, "words of %d digits", widths[0])
	}
	return k, nil
}

// assemble puts the lines together, whose offsets are numbers of a base.
func (p *parser) assemble(lines []column, base int, k wordKind,
	order binary.ByteOrder) (out []byte, err error) {
	first, width := int64(-1), 0
	star := false
	for _, c := range lines {
		if c.star {
			star = true
			continue
		}
		off, err := strconv.ParseInt(c.offset, base, 64)
		if err != nil {
			return nil, p.fail(c.at, "the offset %s is no number", c.offset)
		}
		if first < 0 {
			first = off
		}
		switch n := int(off-first) - len(out); {
		case n == 0:
		case n < 0 && -n < k.size && len(c.words) == 0:
			out = out[:len(out)+n] // the last word is not whole
		case n > 0 && star && width > 0 && n%width == 0 && n <= MaxBuffer-len(out):
			out = append(out, bytes.Repeat(out[len(out)-width:], n/width)...)
		default:
			return nil, p.fail(c.at, "offset %s, and %s should follow", c.offset,
				strconv.FormatInt(first+int64(len(out)), base))
		}
		star, width = false, len(c.words)*k.size
		if out, err = p.appendWords(out, c.at, c.words, k, order); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// appendWords appends the words of a line, which stands at an offset of the text.
func (p *parser) appendWords(out []byte, at int, words []string, k wordKind,
	order binary.ByteOrder) ([]byte, error) {
	for _, w := range words {
		v, err := wordValue(w, k)
		if err != nil {
			return nil, p.fail(at, "%.20q is not a number of %s", w, count(k.size, "byte"))
		}
		b := order.(binary.AppendByteOrder).AppendUint64(nil, v)
		if order == binary.ByteOrder(binary.LittleEndian) {
			b = b[:k.size]
		} else {
			b = b[8-k.size:]
		}
		if out = append(out, b...); len(out) > MaxBuffer {
			return nil, p.fail(at, "more than %d bytes", MaxBuffer)
		}
	}
	return out, nil
}

func wordValue(w string, k wordKind) (uint64, error) {
	if k.base != 0 {
		return strconv.ParseUint(w, k.base, 8*k.size)
	}
	if i := strings.Index(`0abtnvfr`, strings.TrimPrefix(w, `\`)); len(w) == 2 && w[0] == '\\' && i >= 0 {
		return uint64("\x00\a\b\t\n\v\f\r"[i]), nil
	}
	if len(w) == 1 {
		return uint64(w[0]), nil
	}
	return strconv.ParseUint(w, 8, 8)
}

// likelier returns which of two readings of the same words makes more sense as a
// control buffer, the little-endian one if neither does.
func (p *parser) likelier(little, big []byte) []byte {
	if p.sense(big).compare(p.sense(little)) > 0 {
		return big
	}
	return little
}

// sense returns how much sense bytes make to the architecture that is known, or to any.
func (p *parser) sense(b []byte) (best fit) {
	if p.arch != nil {
		return fits(Explain(*p.arch, b))
	}
	for _, group := range alike() {
		if f := fits(Explain(group[0], b)); f.compare(best) > 0 {
			best = f
		}
	}
	return best
}
