package draw

import (
	"fmt"
	"strings"
)

// In pixels: the lines of a box, and where the boxes begin and how wide they are.
const (
	svgBoxLine      = 24
	svgHdrWidth     = 220
	svgIovX         = svgHdrWidth + 70
	svgIovWidth     = 180
	svgPayloadX     = svgIovX + svgIovWidth + 60
	svgPayloadWidth = 120
	svgControlWidth = svgPayloadX + svgPayloadWidth - svgIovX
	svgControlY     = 110
)

// pointersBlock draws what points to what.
func (g group) pointersBlock(named bool) block {
	hdr, iov, payload, control := g.boxLines()
	title := "struct msghdr"
	if named {
		title += " on " + g.short()
	}
	b := block{w: svgPayloadX + svgPayloadWidth, h: svgLine + svgBoxLine*len(hdr)}
	b.body = lined(0, 0, svgHdrWidth, plain, title, hdr) +
		lined(svgIovX, 0, svgIovWidth, plain, "struct iovec", iov) +
		lined(svgPayloadX, 0, svgPayloadWidth, data, "payload", payload) +
		lined(svgIovX, svgControlY, svgControlWidth, header, "control buffer", control) +
		svgArrow(svgHdrWidth, boxLineY(0, 2), svgIovX, boxLineY(0, 0)) +
		svgArrow(svgHdrWidth, boxLineY(0, 4), svgIovX, boxLineY(svgControlY, 0)) +
		svgArrow(svgIovX+svgIovWidth, boxLineY(0, 0), svgPayloadX, boxLineY(0, 0))
	b.h = max(b.h, svgControlY+svgLine+svgBoxLine*len(control))
	return b
}

// boxLineY returns the middle of a line of the box at y.
func boxLineY(y, i int) int { return y + svgLine + svgBoxLine*i + svgBoxLine/2 }

// lined returns a box of lines with a title above it.
func lined(x, y, width int, k kind, title string, lines []line) string {
	var b strings.Builder
	b.WriteString(text(x, y+svgLine-7, "title", title))
	for i, l := range lines {
		top := y + svgLine + svgBoxLine*i
		fmt.Fprintf(&b, "<rect class=\"%s edged\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", k, x,
			top, width, svgBoxLine)
		b.WriteString(text(x+8, top+16, "", l.name))
		if l.value == arrow {
			fmt.Fprintf(&b, "<circle class=\"dot\" cx=\"%d\" cy=\"%d\" r=\"4\"/>\n", x+width-12,
				top+svgBoxLine/2)
		} else if l.value != "" {
			b.WriteString(text(x+width-8, top+16, "value", l.value))
		}
	}
	return b.String()
}

// svgArrow leads from the dot left of x0 to x1.
func svgArrow(x0, y0, x1, y1 int) string {
	turn := x1 - 30
	return fmt.Sprintf("<path class=\"line\" d=\"M%d %dH%dV%dH%d\"/>\n<path class=\"dot\" d=\"M%d %dl-9 -5v10z\"/>\n",
		x0-12, y0, turn, y1, x1-8, x1, y1)
}
