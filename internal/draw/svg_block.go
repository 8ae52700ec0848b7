package draw

import (
	"encoding/xml"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// block is a piece of a drawing: what it is at 0, 0, and how large.
type block struct {
	w, h int
	body string
}

// svgWidth returns how wide a row is.
func (p *Picture) svgWidth() int {
	if p.Word == 8 {
		return svgWidth64
	}
	return svgWidth32
}

// cellBlock is cells in rows, under a title if there is one, with their offsets to the left.
func (p *Picture) cellBlock(title string, cells []cell) block {
	width := p.svgWidth()
	top, height := tops(cells, p.Word, svgRow, svgGap)
	var b strings.Builder
	above := 0
	if title != "" {
		b.WriteString(text(svgMargin, svgLine-7, "title", title))
		above = svgLine
	}
	for r, y := range sorted(top) {
		if r == gap {
			b.WriteString(text(svgMargin+8, above+y+svgGap-8, "", "⋮"))
		} else {
			b.WriteString(text(svgMargin-8, above+y+svgRow/2+4, "offset", strconv.Itoa(r*p.Word)))
		}
	}
	for _, c := range cells {
		if y, ok := top[c.offset/p.Word]; ok {
			x := c.offset % p.Word * width / p.Word
			b.WriteString(c.svg(svgMargin+x, above+y, c.size*width/p.Word))
		}
	}
	w := max(svgMargin+width, svgMargin+textWidth(title))
	return block{w, above + height, b.String()}
}

// svg returns the cell as a rectangle with its texts; without a line to the rows
// that it comes from and goes on in.
func (c cell) svg(x, y, width int) string {
	s := fmt.Sprintf("<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		c.kind, x, y, width, svgRow)
	s += fmt.Sprintf("<path class=\"edge\" d=\"M%d %d%sv%d%sv-%d\"/>\n",
		x, y, across(width, !c.from), svgRow, across(-width, !c.more), svgRow)
	if name := c.name(int(float64(width-12) / svgChar)); name != "" {
		s += text(x+8, y+17, "", name)
	}
	if c.below != "" {
		s += text(x+8, y+33, "small", c.below)
	}
	return s
}

// across is a step of a path by dx, with a line or without.
func across(dx int, line bool) string {
	if line {
		return fmt.Sprintf("h%d", dx)
	}
	return fmt.Sprintf("m%d 0", dx)
}

// bracket adds a bracket right of x, from the first row down to y, with two
// lines of text, and returns where they end.
func (b *block) bracket(x, y int, label, sum string) (end int) {
	x += 10
	middle := (svgLine + y) / 2
	b.body += fmt.Sprintf("<path class=\"line\" d=\"M%d %dh8V%dh-8\"/>\n", x, svgLine+1, y-1) +
		text(x+14, middle-3, "small", label) + text(x+14, middle+12, "small", sum)
	end = x + 14 + textWidth(label)
	b.w = max(b.w, end)
	return end
}

// textBlock is lines of text.
func textBlock(lines []string) block {
	b := block{h: svgLine * len(lines)}
	for i, line := range lines {
		b.w = max(b.w, textWidth(line))
		if line != "" {
			b.body += text(0, svgLine*(i+1)-5, "", line)
		}
	}
	return b
}

// stacked puts blocks below one another.
func stacked(blocks []block) (all block) {
	for i, b := range blocks {
		if i > 0 {
			all.h += svgGap
		}
		all.body += at(0, all.h, b)
		all.w = max(all.w, b.w)
		all.h += b.h
	}
	return all
}

// grid puts blocks next to one another in columns of the same width, as many as
// fit, and the others below.
func grid(blocks []block) (all block) {
	width := 0
	for _, b := range blocks {
		width = max(width, b.w)
	}
	inRow := max(1, (svgMax+svgSpace)/(width+svgSpace))
	for row := range slices.Chunk(blocks, inRow) {
		if all.h > 0 {
			all.h += svgGap
		}
		height := 0
		for i, b := range row {
			x := i * (width + svgSpace)
			all.body += at(x, all.h, b)
			all.w = max(all.w, x+b.w)
			height = max(height, b.h)
		}
		all.h += height
	}
	return all
}

// at returns b moved.
func at(x, y int, b block) string {
	return fmt.Sprintf("<g transform=\"translate(%d %d)\">\n%s</g>\n", x, y, b.body)
}

func text(x, y int, class, s string) string {
	if class != "" {
		class = fmt.Sprintf(" class=%q", class)
	}
	return fmt.Sprintf("<text xml:space=\"preserve\" x=\"%d\" y=\"%d\"%s>%s</text>\n", x, y, class, escape(s))
}

func textWidth(s string) int { return int(float64(utf8.RuneCountInString(s))*svgChar) + 1 }

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}

// sorted goes through a map in the order of its keys, so that the same drawing
// is the same text.
func sorted(m map[int]int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
