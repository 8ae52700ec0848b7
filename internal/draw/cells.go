package draw

import (
	"fmt"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
)

// kind is what a cell holds, which decides how it looks.
type kind string

const (
	plain   kind = "plain"   // a member of a struct
	header  kind = "header"  // a member of a message's header
	data    kind = "data"    // a message's data
	padding kind = "padding" // bytes that nobody sets: they may be anything
)

// cell is a rectangle of a drawing: bytes that mean one thing, in one row.
type cell struct {
	offset, size int      // of the part that is in this row
	kind         kind     //
	names        []string // what it is, the fullest first; the first that fits is written
	below        string   // what is written under the name
	from, more   bool     // whether it goes on from the row above, into the row below
}

// structCells returns the members and the padding of a struct.
func structCells(s abi.Struct, word int) (cells []cell) {
	for _, f := range s.Fields {
		c := cell{offset: f.Offset, size: f.Size, kind: plain, names: []string{f.Decl(), f.Name}}
		c.below = fmt.Sprintf("at %d, %d bytes", f.Offset, f.Size)
		if f.Padding() {
			c.kind = padding
		}
		cells = append(cells, split(c, word)...)
	}
	return cells
}

// messageCells returns the fields of a control message, over their bytes.
func (p *Picture) messageCells(m decode.Message) (cells []cell) {
	for i, f := range m.Fields {
		decl := f.Type + " " + f.Name
		value := fmt.Sprintf(" = %v", f.Value)
		names := []string{decl + value, f.Name + value, decl, f.Name}
		c := cell{offset: f.Offset, size: f.Size, kind: data, names: names}
		switch {
		case f.Name == "padding":
			c.kind, c.names = padding, []string{f.Name}
		case i < 3:
			c.kind = header
		}
		for _, part := range split(c, p.Word) {
			part.below = fmt.Sprintf("% x", p.buf[part.offset:][:part.size])
			if c.kind == padding {
				part.below = strings.TrimSuffix(strings.Repeat("?? ", part.size), " ")
			}
			cells = append(cells, part)
		}
	}
	return cells
}

// split cuts a cell where a row of word bytes ends. Only the first part keeps
// the names.
func split(c cell, word int) (parts []cell) {
	for c.size > 0 {
		part := c
		part.size = min(c.size, word-c.offset%word)
		part.more = part.size < c.size
		parts = append(parts, part)
		c.offset += part.size
		c.size -= part.size
		c.names, c.below, c.from = nil, "", true
	}
	return parts
}

// name returns the fullest name that is at most so many characters long.
func (c cell) name(width int) string {
	for _, n := range c.names {
		if len(n) <= width {
			return n
		}
	}
	return ""
}

// A message of very many rows is drawn with its first and its last ones.
const (
	firstRows = 6
	lastRows  = 2
)

// gap stands for the rows that are left out.
const gap = -1

// rows returns the rows of word bytes to draw, counted from the buffer's start.
func rows(cells []cell, word int) (rows []int) {
	last := cells[len(cells)-1]
	first, end := cells[0].offset/word, (last.offset+last.size-1)/word+1
	for r := first; r < end; r++ {
		switch {
		case end-first <= firstRows+lastRows+1 || r < first+firstRows || r >= end-lastRows:
			rows = append(rows, r)
		case r == first+firstRows:
			rows = append(rows, gap)
		}
	}
	return rows
}

// tops returns the rows' places from top to bottom, given how high rows and gaps
// are, and how high all of them are together.
func tops(cells []cell, word, rowHeight, gapHeight int) (top map[int]int, height int) {
	top = map[int]int{}
	for _, r := range rows(cells, word) {
		top[r] = height
		if r == gap {
			height += gapHeight
		} else {
			height += rowHeight
		}
	}
	return top, height
}

// extent is where a message is in the buffer, in bytes, and how C computes it.
type extent struct {
	start, len, space  int
	lenName, spaceName string // "CMSG_LEN(4)", "CMSG_SPACE(4)"
}

func (p *Picture) extent(m decode.Message) extent {
	first, last := m.Fields[0], m.Fields[len(m.Fields)-1]
	e := extent{start: first.Offset, space: last.Offset + last.Size - first.Offset}
	e.len = e.space
	if last.Name == "padding" {
		e.len -= last.Size
	}
	n := e.len - p.Room.Header
	e.lenName, e.spaceName = fmt.Sprintf("CMSG_LEN(%d)", n), fmt.Sprintf("CMSG_SPACE(%d)", n)
	return e
}
