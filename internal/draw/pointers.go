package draw

import (
	"fmt"
	"strings"
)

// Pointer is a member that holds an address, and what is there.
type Pointer struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// pointers are those of a call with one piece of payload, to or from a peer that
// needs no address.
var pointers = []Pointer{
	{"msghdr.msg_iov", "struct iovec[]"},
	{"iovec.iov_base", "payload"},
	{"msghdr.msg_control", "control buffer"},
}

// payloadLen is how many bytes of payload are drawn.
const payloadLen = 4

// line is a line of a box: a name at its left, a value at its right, which is
// an arrow for a pointer.
type line struct{ name, value string }

const arrow = "●"

// boxLines returns the contents of the four boxes.
func (p *Picture) boxLines() (hdr, iov, payload, control []line) {
	values := map[string]string{"msg_name": "NULL", "msg_namelen": "0", "msg_iov": arrow, "msg_iovlen": "1",
		"msg_control": arrow, "msg_controllen": fmt.Sprint(len(p.buf)), "msg_flags": "0",
		"iov_base": arrow, "iov_len": fmt.Sprint(payloadLen)}
	for _, f := range p.hdr.Fields {
		if !f.Padding() {
			hdr = append(hdr, line{f.Name, values[f.Name]})
		}
	}
	for _, f := range p.iov.Fields {
		iov = append(iov, line{f.Name, values[f.Name]})
	}
	payload = []line{{count(payloadLen, "byte"), ""}}
	for _, m := range p.report.Messages {
		last := m.Fields[len(m.Fields)-1]
		control = append(control, line{m.Name, count(last.Offset+last.Size-m.Fields[0].Offset, "byte")})
	}
	return hdr, iov, payload, control
}

// In characters: the widths of boxes and where they begin, and how wide the
// picture is.
const (
	hdrWidth      = 25
	iovX          = hdrWidth + 5
	iovWidth      = 21
	payloadX      = iovX + iovWidth + 4
	payloadWidth  = 13
	controlWidth  = payloadX + payloadWidth - iovX
	pointersWidth = payloadX + payloadWidth
)

// pointers draws what points to what, once for each word size.
func (s Style) pointers(pictures []*Picture) []string {
	groups := grouped(pictures, sameStructs)
	var all [][]string
	for _, g := range groups {
		var b []string
		if len(groups) > 1 {
			b = s.title(g.label()+":", min(s.Width, pointersWidth), 0)
		}
		if s.Width < pointersWidth {
			all = append(all, append(b, s.pointedBelow(g.Picture)...))
		} else {
			all = append(all, append(b, s.pointedBeside(g.Picture)...))
		}
	}
	return s.beside(all, 4)
}

// pointedBeside draws boxes with arrows between them.
func (s Style) pointedBeside(p *Picture) []string {
	hdr, iov, payload, control := p.boxLines()
	const iovRow, controlRow = 3, 5 // of msg_iov and msg_control
	c := newCanvas(pointersWidth, max(len(hdr)+3, len(control)+8), s)
	c.lined(0, 1, hdrWidth, plain, "struct msghdr", hdr)
	c.lined(iovX, 1, iovWidth, plain, "struct iovec", iov)
	c.lined(payloadX, 1, payloadWidth, data, "payload", payload)
	c.lined(iovX, 6, controlWidth, header, "control buffer", control)
	c.arrow(hdrWidth-3, iovRow+1, iovX, 2)
	c.arrow(hdrWidth-3, controlRow+1, iovX, 7)
	c.arrow(iovX+iovWidth-3, 2, payloadX, 2)
	return c.strings()
}

// arrow draws a line from the pointer at x0, y0 to the border at x1, y1.
func (c *canvas) arrow(x0, y0, x1, y1 int) {
	turn := x1 - 3
	c.horizontal(y0, x0, turn)
	c.vertical(turn, min(y0, y1), max(y0, y1))
	c.horizontal(y1, turn, x1-1)
	c.put(x1-1, y1, 1, 0, "▶")
}

// lined draws a box of lines with a title above it, whose border begins at x, y.
func (c *canvas) lined(x, y, width int, k kind, title string, lines []line) {
	c.put(x, y-1, width, bold, title)
	right, bottom := x+width-1, y+len(lines)+1
	c.horizontal(y, x, right)
	c.horizontal(bottom, x, right)
	c.vertical(x, y, bottom)
	c.vertical(right, y, bottom)
	for i, l := range lines {
		c.put(x+2, y+1+i, width-4, inks[k], l.name)
		c.put(right-1-len([]rune(l.value)), y+1+i, width, inks[k], l.value)
	}
}

// pointedBelow draws the same boxes one below the other, for a narrow terminal.
func (s Style) pointedBelow(p *Picture) (out []string) {
	hdr, iov, payload, control := p.boxLines()
	for _, b := range []struct {
		title string
		kind  kind
		lines []line
	}{
		{"struct msghdr", plain, hdr}, {"msg_iov points to struct iovec", plain, iov},
		{"iov_base points to the payload", data, payload},
		{"msg_control points to the buffer", header, control},
	} {
		for i := range b.lines {
			b.lines[i].value = strings.ReplaceAll(b.lines[i].value, arrow, "pointer")
		}
		c := newCanvas(MinWidth, len(b.lines)+3, s)
		c.lined(0, 1, MinWidth, b.kind, b.title, b.lines)
		out = append(out, c.strings()...)
	}
	return out
}
