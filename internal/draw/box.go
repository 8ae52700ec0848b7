package draw

import (
	"fmt"
	"strings"
)

// In characters: a row of bytes without its last border, the offsets to the
// left of it, and the heights of a row and of a gap without their last border.
const (
	width64   = 34
	width32   = 24
	margin    = 5
	rowHeight = 3
	gapHeight = 2
)

// box is cells drawn in characters, a row for each word.
type box struct {
	*canvas
	word int
	left int         // characters left of the box
	top  map[int]int // where a row begins; rows that are left out are not in it
}

// newBox draws cells; right is how many characters right of the box are wanted.
func newBox(cells []cell, word, left, right int, s Style) *box {
	top, height := tops(cells, word, rowHeight, gapHeight)
	b := &box{word: word, left: left, top: top}
	b.canvas = newCanvas(b.x(word)+1+right, height+1, s)
	for _, c := range cells {
		b.cell(c)
	}
	if y, ok := b.top[gap]; ok {
		b.put(b.x(0)+2, y+1, 1, 0, "⋮")
	}
	return b
}

// x returns where the border before the i-th byte of a row is.
func (b *box) x(i int) int {
	if b.word == 8 {
		return b.left + i*width64/8
	}
	return b.left + i*width32/4
}

// cell draws one cell, unless its row is left out.
func (b *box) cell(c cell) {
	y, ok := b.top[c.offset/b.word]
	if !ok {
		return
	}
	in := c.offset % b.word
	x0, x1 := b.x(in), b.x(in+c.size)
	b.vertical(x0, y, y+rowHeight)
	b.vertical(x1, y, y+rowHeight)
	if !c.from {
		b.horizontal(y, x0, x1)
	}
	if !c.more {
		b.horizontal(y+rowHeight, x0, x1)
	}
	inner := x1 - x0 - 1
	for line, s := range []string{c.name(inner - 1), c.below} {
		if c.kind == padding {
			b.put(x0+1, y+1+line, inner, inks[c.kind], strings.Repeat("░", inner))
			if s != "" {
				s += " "
			}
		}
		b.put(x0+2, y+1+line, inner-1, inks[c.kind], s)
	}
}

// offsets writes to the left of each row how far it is from the start.
func (b *box) offsets() {
	for r, y := range b.top {
		if r != gap {
			b.put(0, y+1, b.left, faint, fmt.Sprintf("%*d", b.left-1, r*b.word))
		}
	}
}

// bracket spans the rows from one offset to another, x characters right of
// the box, with two lines of text beside it. One that ends within a row ends
// above that row's border. The result is how wide it is.
func (b *box) bracket(x, from, to int, label, sum string) int {
	x += b.x(b.word) + 2
	y0, y1 := b.top[from/b.word], b.top[(to-1)/b.word]+rowHeight
	if to%b.word != 0 {
		y1--
	}
	b.lines[y0][x] |= left
	b.vertical(x, y0, y1)
	b.lines[y1][x] |= left
	middle := (y0 + y1) / 2
	b.put(x+2, middle, len(label), 0, label)
	b.put(x+2, middle+1, len(sum), 0, sum)
	return 3 + max(len(label), len(sum))
}
