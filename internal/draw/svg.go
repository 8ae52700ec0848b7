package draw

import (
	"fmt"
	"io"
	"slices"
	"strings"
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
