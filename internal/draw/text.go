package draw

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// columns is how wide a drawing for the terminal is at most.
const columns = 80

// Text draws the pictures in boxes of characters: side by side where they fit
// in 80 columns, below one another where not. There has to be one.
func Text(w io.Writer, pictures []*Picture) error {
	var out []string
	paragraph := func(lines []string) { out = append(append(out, lines...), "") }

	for _, p := range pictures {
		out = append(out, fmt.Sprintf("%s: %s, SOL_SOCKET is %d", p.Arch, p.Kind, p.SOLSocket))
	}
	out = append(out, "")
	for _, block := range structs(pictures) {
		paragraph(block)
	}
	if pictures[0].Message != nil {
		paragraph(messages(pictures))
		paragraph(sums(pictures))
		if r := pictures[0].Room; r.Before+r.Behind > 0 {
			paragraph(inAll(pictures))
		}
		paragraph(moral(pictures))
	}
	_, err := io.WriteString(w, strings.Join(out[:len(out)-1], "\n")+"\n")
	return err
}

// structs draws each struct for all pictures beside one another; the structs
// of a single picture in two columns.
func structs(pictures []*Picture) (blocks [][]string) {
	for i := range pictures[0].Structs {
		var same [][]string
		for _, p := range pictures {
			same = append(same, p.structText(i, len(pictures) > 1))
		}
		blocks = append(blocks, beside(same, 2))
	}
	if len(pictures) == 1 && len(blocks) > 1 {
		rest := blocks[1]
		for _, b := range blocks[2:] {
			rest = append(append(rest, ""), b...)
		}
		return [][]string{beside([][]string{blocks[0], rest}, 2)}
	}
	return blocks
}

// structText is the i-th struct in a box.
func (p *Picture) structText(i int, named bool) []string {
	s := p.Structs[i]
	title := fmt.Sprintf("struct %s: %d bytes", s.Name, s.Size)
	if named {
		title = fmt.Sprintf("%s: %s, %d bytes", p.Arch, s.Name, s.Size)
	}
	b := newBox(structCells(s, p.Word), p.Word, 0)
	return append([]string{title}, b.strings()...)
}

// messages draws the control buffer of each picture. A single one has room
// for brackets beside it.
func messages(pictures []*Picture) []string {
	if len(pictures) == 1 {
		return pictures[0].messageText(true)
	}
	var all [][]string
	for _, p := range pictures {
		title := fmt.Sprintf("     %s: msg_control, %d bytes", p.Arch, len(p.buf))
		all = append(all, append([]string{title}, p.messageText(false)...))
	}
	return beside(all, 0) // the offsets are space enough
}

// messageText is the control buffer, one box a message, with its offsets to
// the left and, where there is room for it, brackets to the right.
func (p *Picture) messageText(wide bool) (out []string) {
	if wide {
		out = append(out, fmt.Sprintf("%*smsg_control: %d bytes", margin, "", len(p.buf)))
	}
	for i, m := range p.Message.Messages {
		title := m.Name
		if wide {
			title = fmt.Sprintf("%d. %s: %s", i+1, m.Name, m.Summary)
		}
		out = append(out, fmt.Sprintf("%*s%s", margin, "", title))
		b := newBox(p.messageCells(m), p.Word, margin)
		b.offsets()
		e := p.extent(m)
		if wide {
			x := b.bracket(0, e.start, e.start+e.len, e.lenName, fmt.Sprintf("= %d", e.len))
			b.bracket(x, e.start, e.start+e.space, e.spaceName, fmt.Sprintf("= %d", e.space))
		}
		out = append(out, b.strings()...)
		if !wide {
			out = append(out, fmt.Sprintf("%*s%s = %d", margin, "", e.lenName, e.len),
				fmt.Sprintf("%*s%s = %d", margin, "", e.spaceName, e.space))
		}
	}
	return out
}

// beside puts blocks of lines next to one another, with space between them, as
// many as fit, and the others below.
func beside(blocks [][]string, space int) (out []string) {
	x := 0 // where the next block begins
	first := 0
	for _, b := range blocks {
		w := widest(b)
		if x > 0 && x+w > columns {
			out = append(out, "")
			first, x = len(out), 0
		}
		for i, line := range b {
			if first+i == len(out) {
				out = append(out, "")
			}
			at := &out[first+i]
			if line != "" {
				*at += strings.Repeat(" ", x-utf8.RuneCountInString(*at)) + line
			}
		}
		x += w + space
	}
	return out
}

func widest(block []string) (w int) {
	for _, line := range block {
		w = max(w, utf8.RuneCountInString(line))
	}
	return w
}
