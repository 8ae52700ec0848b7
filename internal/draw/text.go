package draw

import (
	"fmt"
	"io"
	"strings"
)

// Text draws the pictures in boxes of characters: side by side where they fit,
// below one another where not. What is the same on several architectures is drawn
// once. There has to be one picture.
func Text(w io.Writer, pictures []*Picture, s Style) error {
	s.Width = max(s.Width, MinWidth)
	var out []string
	paragraph := func(lines []string) { out = append(append(out, lines...), "") }

	for _, g := range grouped(pictures, sameBytes) {
		kind := fmt.Sprintf("%s: %s, SOL_SOCKET is %d", g.label(), g.Kind, g.SOLSocket)
		out = append(out, wrap(kind, s.Width)...)
	}
	out = append(out, "")
	if pictures[0].Pointers != nil {
		paragraph(s.pointers(pictures))
	}
	for _, block := range s.structs(pictures) {
		paragraph(block)
	}
	if pictures[0].Message != nil {
		paragraph(s.messages(pictures))
		paragraph(s.table(sums(pictures)))
		if r := pictures[0].Room; r.Before+r.After > 0 {
			paragraph(s.table(inAll(pictures)))
		}
		paragraph(wrap(moral(pictures), min(s.Width-1, maxText)))
	}
	_, err := io.WriteString(w, strings.Join(out[:len(out)-1], "\n")+"\n")
	return err
}

// structs draws each struct once for each word size; those of a single one in two
// columns.
func (s Style) structs(pictures []*Picture) (blocks [][]string) {
	groups := grouped(pictures, sameStructs)
	for i := range pictures[0].Structs {
		var same [][]string
		for _, g := range groups {
			same = append(same, s.structBox(g, i, len(groups) > 1))
		}
		blocks = append(blocks, s.beside(same, 2))
	}
	if len(groups) == 1 && len(blocks) > 1 {
		rest := blocks[1]
		for _, b := range blocks[2:] {
			rest = append(append(rest, ""), b...)
		}
		return [][]string{s.beside([][]string{blocks[0], rest}, 2)}
	}
	return blocks
}

// structBox returns the i-th struct in a box.
func (s Style) structBox(g group, i int, named bool) []string {
	st := g.Structs[i]
	title := fmt.Sprintf("struct %s: %d bytes", st.Name, st.Size)
	if named {
		title = fmt.Sprintf("%s: %s, %d bytes", g.label(), st.Name, st.Size)
	}
	b := newBox(structCells(st, g.Word), g.Word, 0, 0, s)
	return append(s.title(title, b.x(g.Word), 0), b.strings()...)
}

// title returns a text above a box, with so many blanks left of it.
func (s Style) title(text string, width, left int) (lines []string) {
	for _, line := range wrap(text, width) {
		lines = append(lines, strings.Repeat(" ", left)+s.paint(bold, line))
	}
	return lines
}

// wideMessage is how wide a control buffer is that has brackets beside it, the
// longest of which are CMSG_LEN(1012) and CMSG_SPACE(1012).
const wideMessage = margin + width64 + 39

// messages draws the control buffer of each picture. A single one has brackets
// beside it, where there is room for them.
func (s Style) messages(pictures []*Picture) []string {
	groups := grouped(pictures, sameBytes)
	if len(groups) == 1 && s.Width >= wideMessage {
		return append(s.title(fmt.Sprintf("msg_control: %d bytes", len(groups[0].buf)), s.Width, margin),
			s.wideMessages(groups[0].Picture)...)
	}
	var all [][]string
	for _, g := range groups {
		title := fmt.Sprintf("%s: msg_control, %d bytes", g.label(), len(g.buf))
		width := width64
		if g.Word == 4 {
			width = width32 + margin // there is room up to the next box
		}
		all = append(all, append(s.title(title, width, margin), s.narrowMessages(g.Picture)...))
	}
	return s.beside(all, 0) // the offsets are space enough
}

// wideMessages returns the control buffer, one box a message, with its offsets to the
// left and brackets to the right.
func (s Style) wideMessages(p *Picture) (out []string) {
	for i, m := range p.Message.Messages {
		title := fmt.Sprintf("%d. %s: %s", i+1, m.Name, m.Summary)
		out = append(out, s.title(title, s.Width-margin, margin)...)
		e := p.extent(m)
		b := newBox(p.messageCells(m), p.Word, margin, s.Width-margin-width64-1, s)
		b.offsets()
		x := b.bracket(0, e.start, e.start+e.len, e.lenName, fmt.Sprintf("= %d", e.len))
		b.bracket(x, e.start, e.start+e.space, e.spaceName, fmt.Sprintf("= %d", e.space))
		out = append(out, b.strings()...)
	}
	return out
}

// narrowMessages is the same with the sums below each box.
func (s Style) narrowMessages(p *Picture) (out []string) {
	for _, m := range p.Message.Messages {
		out = append(out, fmt.Sprintf("%*s%s", margin, "", m.Name))
		b := newBox(p.messageCells(m), p.Word, margin, 0, s)
		b.offsets()
		e := p.extent(m)
		out = append(append(out, b.strings()...),
			fmt.Sprintf("%*s%s = %d", margin, "", e.lenName, e.len),
			fmt.Sprintf("%*s%s = %d", margin, "", e.spaceName, e.space))
	}
	return out
}

// beside puts blocks of lines next to one another, with space between them, as
// many as fit, and the others below.
func (s Style) beside(blocks [][]string, space int) (out []string) {
	for len(blocks) > 0 {
		n, x := 0, 0
		for n < len(blocks) && (n == 0 || x+widest(blocks[n]) <= s.Width) {
			x += widest(blocks[n]) + space
			n++
		}
		if len(out) > 0 {
			out = append(out, "")
		}
		out = append(out, row(blocks[:n], space)...)
		blocks = blocks[n:]
	}
	return out
}

// row puts all the blocks next to one another.
func row(blocks [][]string, space int) (out []string) {
	x := 0
	for _, b := range blocks {
		for i, line := range b {
			if i == len(out) {
				out = append(out, "")
			}
			if line != "" {
				out[i] += strings.Repeat(" ", x-columns(out[i])) + line
			}
		}
		x += widest(b) + space
	}
	return out
}

func widest(block []string) (w int) {
	for _, line := range block {
		w = max(w, columns(line))
	}
	return w
}
