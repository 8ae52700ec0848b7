package draw

import (
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// In pixels: a row of 64 and of 32 bits, its height, that of a gap and of the
// space below a block, the offsets left of a row, the space around everything,
// and a line of text.
const (
	svgWidth64 = 320
	svgWidth32 = 232
	svgRow     = 40
	svgGap     = 24
	svgMargin  = 44
	svgSpace   = 28
	svgLine    = 20
	svgChar    = 7.9 // the width of a character of 13 pixels, as wide as fonts have it
)

// The drawing has a ground of its own, so that it looks the same on a light
// page and on a dark one. The fills are told apart by their texts, too.
const svgStyle = `
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2937 }
  .title { font-weight: bold }
  .small { font-size: 11px; fill: #4b5563 }
  .offset { font-size: 11px; fill: #4b5563; text-anchor: end }
  .edge { fill: none; stroke: #334155; stroke-width: 1.2; stroke-linecap: square }
  .plain { fill: #e0e7ff } .header { fill: #dbeafe } .data { fill: #bbf7d0 } .padding { fill: url(#hatch) }
  .line { fill: none; stroke: #64748b; stroke-width: 1.2 }
`

// block is a piece of a drawing: what it is at 0, 0, and how large.
type block struct {
	w, h int
	body string
}

// SVG draws the pictures as one image. There has to be one.
func SVG(w io.Writer, pictures []*Picture) error {
	all := figures(pictures)
	if pictures[0].Message != nil {
		all = append(all, textBlock(sums(pictures)))
		if r := pictures[0].Room; r.Before+r.Behind > 0 {
			all = append(all, textBlock(inAll(pictures)))
		}
		all = append(all, textBlock(moral(pictures)))
	}
	b := stacked(all)
	width, height := b.w+2*svgSpace, b.h+2*svgSpace
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>%s</title>
<style>%s</style>
<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="8" height="8" fill="#f8fafc"/><path d="M0 0V8" stroke="#e2e8f0" stroke-width="6"/></pattern></defs>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="10" fill="#ffffff" stroke="#cbd5e1"/>
%s</svg>
`, width, height, escape(heading(pictures)), svgStyle, width-1, height-1, at(svgSpace, svgSpace, b))
	return err
}

// heading says what an image shows to those who cannot see it.
func heading(pictures []*Picture) string {
	var archs, parts []string
	for _, p := range pictures {
		archs = append(archs, p.Arch)
	}
	for _, s := range pictures[0].Structs {
		parts = append(parts, "struct "+s.Name)
	}
	if pictures[0].Message != nil {
		for _, m := range pictures[0].Message.Messages {
			parts = append(parts, m.Name)
		}
	}
	return fmt.Sprintf("Layout in memory on %s: %s", strings.Join(archs, ", "), strings.Join(parts, ", "))
}

// figures are the structs and the messages: a row for each, in which every
// picture has a column. The structs of a single picture are in two columns.
func figures(pictures []*Picture) (all []block) {
	var rows [][]block
	for i := range pictures[0].Structs {
		var row []block
		for _, p := range pictures {
			s := p.Structs[i]
			title := fmt.Sprintf("struct %s on %s: %d bytes", s.Name, p.Arch, s.Size)
			row = append(row, p.cellBlock(title, structCells(s, p.Word)))
		}
		rows = append(rows, row)
	}
	if n := len(rows); len(pictures) == 1 && n > 1 {
		rows = [][]block{{rows[0][0], stacked(slices.Concat(rows[1:]...))}}
	}
	if pictures[0].Message != nil {
		var row []block
		for _, p := range pictures {
			row = append(row, p.messageBlock())
		}
		rows = append(rows, row)
	}
	align(rows)
	for _, row := range rows {
		all = append(all, abreast(row))
	}
	return all
}

// align makes the blocks of a column as wide as the widest of them.
func align(rows [][]block) {
	var widths []int
	for _, row := range rows {
		for i, b := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) == len(rows[0]) {
				widths[i] = max(widths[i], b.w)
			}
		}
	}
	for _, row := range rows {
		for i := range row {
			row[i].w = max(row[i].w, widths[i])
		}
	}
}

// messageBlock is the control buffer, with brackets.
func (p *Picture) messageBlock() block {
	title := fmt.Sprintf("msg_control on %s: %d bytes", p.Arch, len(p.buf))
	all := []block{{svgMargin + textWidth(title), svgLine / 2, text(svgMargin, svgLine/2, "title", title)}}
	for i, m := range p.Message.Messages {
		cells, e := p.messageCells(m), p.extent(m)
		b := p.cellBlock(fmt.Sprintf("%d. %s: %s", i+1, m.Name, m.Summary), cells)
		top, _ := tops(cells, p.Word, svgRow, svgGap)
		end := func(offset int) int { return svgLine + top[(offset-1)/p.Word] + svgRow }
		y := end(e.start + e.len)
		if e.len%p.Word != 0 {
			y -= svgRow / 2
		}
		x := b.bracket(svgMargin+p.svgWidth(), y, e.lenName, fmt.Sprintf("= %d", e.len))
		b.bracket(x, end(e.start+e.space), e.spaceName, fmt.Sprintf("= %d", e.space))
		all = append(all, b)
	}
	return stacked(all)
}

// svgWidth is how wide a row is.
func (p *Picture) svgWidth() int {
	if p.Word == 8 {
		return svgWidth64
	}
	return svgWidth32
}

// cellBlock is cells in rows, under a title, with their offsets to the left.
func (p *Picture) cellBlock(title string, cells []cell) block {
	width := p.svgWidth()
	top, height := tops(cells, p.Word, svgRow, svgGap)
	var b strings.Builder
	b.WriteString(text(svgMargin, svgLine-7, "title", title))
	for r, y := range sorted(top) {
		if r == gap {
			b.WriteString(text(svgMargin+8, svgLine+y+svgGap-8, "", "⋮"))
		} else {
			b.WriteString(text(svgMargin-8, svgLine+y+svgRow/2+4, "offset", strconv.Itoa(r*p.Word)))
		}
	}
	for _, c := range cells {
		if y, ok := top[c.offset/p.Word]; ok {
			x := c.offset % p.Word * width / p.Word
			b.WriteString(c.svg(svgMargin+x, svgLine+y, c.size*width/p.Word))
		}
	}
	w := max(svgMargin+width, svgMargin+textWidth(title))
	return block{w, svgLine + height, b.String()}
}

// svg is the cell as a rectangle with its texts; without a line to the rows
// that it comes from and goes on in.
func (c cell) svg(x, y, width int) string {
	s := fmt.Sprintf("<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", c.kind, x, y, width, svgRow)
	s += fmt.Sprintf("<path class=\"edge\" d=\"M%d %d%sv%d%sv-%d\"/>\n", x, y, across(width, !c.from), svgRow, across(-width, !c.more), svgRow)
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

// abreast puts blocks next to one another.
func abreast(blocks []block) (all block) {
	for i, b := range blocks {
		if i > 0 {
			all.w += svgSpace
		}
		all.body += at(all.w, 0, b)
		all.w += b.w
		all.h = max(all.h, b.h)
	}
	return all
}

// at is b moved.
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
