package draw

import (
	"fmt"
	"io"
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

// svgMax is how wide an image of several columns is at most, in pixels; one
// column may be wider.
const svgMax = 1400

// The drawing has a ground of its own, and colours for a light page and for a
// dark one: the reader's browser says which. The fills are told apart by their
// texts, too.
const svgStyle = `
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2937 }
  .title { font-weight: bold }
  .small { font-size: 11px; fill: #4b5563 }
  .offset { font-size: 11px; fill: #4b5563; text-anchor: end }
  .value { text-anchor: end }
  .ground { fill: #ffffff; stroke: #cbd5e1 }
  .edge { fill: none; stroke: #334155; stroke-width: 1.2; stroke-linecap: square }
  .edged { stroke: #334155; stroke-width: 1.2 }
  .plain { fill: #e0e7ff } .header { fill: #dbeafe } .data { fill: #bbf7d0 } .padding { fill: url(#hatch) }
  .pad { fill: #f8fafc } .stripe { stroke: #e2e8f0; stroke-width: 6 }
  .line { fill: none; stroke: #64748b; stroke-width: 1.2 } .dot { fill: #64748b }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .small, .offset { fill: #9ca3af }
    .ground { fill: #111827; stroke: #374151 } .edge, .edged { stroke: #94a3b8 }
    .plain { fill: #312e81 } .header { fill: #1e3a5f } .data { fill: #14532d }
    .pad { fill: #1f2937 } .stripe { stroke: #374151 } .line { stroke: #94a3b8 } .dot { fill: #94a3b8 }
  }
`

// SVG draws the pictures as one image. There has to be one.
func SVG(w io.Writer, pictures []*Picture) error {
	all := figures(pictures)
	if pictures[0].Message != nil {
		var s Style
		s.Width = maxText + 20
		all = append(all, textBlock(s.table(sums(pictures))))
		if r := pictures[0].Room; r.Before+r.After > 0 {
			all = append(all, textBlock(s.table(inAll(pictures))))
		}
		all = append(all, textBlock(wrap(moral(pictures), maxText)))
	}
	b := stacked(all)
	width, height := b.w+2*svgSpace, b.h+2*svgSpace
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>%s</title>
<style>%s</style>
<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="pad" width="8" height="8"/><path class="stripe" d="M0 0V8"/></pattern></defs>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="10" class="ground"/>
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
	if pictures[0].Pointers != nil {
		parts = append(parts, "what points to what")
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

// figures returns what points to what, the structs and the messages. What is the same
// on several architectures is drawn once, and the others are side by side.
func figures(pictures []*Picture) (all []block) {
	groups := grouped(pictures, sameStructs)
	named := len(groups) > 1
	if pictures[0].Pointers != nil {
		var row []block
		for _, g := range groups {
			row = append(row, g.pointersBlock(named))
		}
		all = append(all, grid(row))
	}
	var rows []block
	for i := range pictures[0].Structs {
		var row []block
		for _, g := range groups {
			row = append(row, g.structBlock(i, named))
		}
		rows = append(rows, grid(row))
	}
	if len(rows) > 1 && !named {
		rows = []block{grid([]block{rows[0], stacked(rows[1:])})}
	}
	all = append(all, rows...)
	if pictures[0].Message != nil {
		var row []block
		for _, g := range grouped(pictures, sameBytes) {
			row = append(row, g.messageBlock())
		}
		all = append(all, grid(row))
	}
	return all
}

// structBlock returns the i-th struct.
func (g group) structBlock(i int, named bool) block {
	st := g.Structs[i]
	title := fmt.Sprintf("struct %s on %s: %d bytes", st.Name, g.label(), st.Size)
	if len(g.names) > 1 && !named {
		title = fmt.Sprintf("struct %s: %d bytes", st.Name, st.Size)
	}
	return g.titled(title, g.cellBlock("", structCells(st, g.Word)))
}

// titled returns a block with a title of as many lines as its width takes.
func (g group) titled(title string, b block) block {
	var t block
	for i, line := range wrap(title, int(float64(g.svgWidth())/svgChar)) {
		t.body += text(svgMargin, svgLine*(i+1)-7, "title", line)
		t.h += svgLine
		t.w = max(t.w, svgMargin+textWidth(line))
	}
	return block{max(t.w, b.w), t.h + b.h, t.body + at(0, t.h, b)}
}

// messageBlock returns the control buffer, with brackets.
func (g group) messageBlock() block {
	var all []block
	for i, m := range g.Message.Messages {
		cells, e := g.messageCells(m), g.extent(m)
		b := g.cellBlock(fmt.Sprintf("%d. %s: %s", i+1, m.Name, m.Summary), cells)
		top, _ := tops(cells, g.Word, svgRow, svgGap)
		end := func(offset int) int { return svgLine + top[(offset-1)/g.Word] + svgRow }
		y := end(e.start + e.len)
		if e.len%g.Word != 0 {
			y -= svgRow / 2
		}
		x := b.bracket(svgMargin+g.svgWidth(), y, e.lenName, fmt.Sprintf("= %d", e.len))
		b.bracket(x, end(e.start+e.space), e.spaceName, fmt.Sprintf("= %d", e.space))
		all = append(all, b)
	}
	return g.titled(fmt.Sprintf("msg_control on %s: %d bytes", g.label(), len(g.buf)), stacked(all))
}
