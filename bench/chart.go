package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"slices"
)

// The charts are drawn here and not by a plotting library: those lay text out
// for a font that the reader's browser may not have.

// colours are told apart by people who see red and green alike, too.
var colours = []string{"#000000", "#999999", "#0072b2", "#56b4e9", "#d55e00"}

// chart is a picture in the making, in units of a pixel, on white so that it can
// be read on a dark page.
type chart struct{ bytes.Buffer }

func newChart(width, height int, title string) *chart {
	c := &chart{}
	fmt.Fprintf(c,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d"`+
			` font-family="sans-serif" font-size="13">`+"\n", width, height, height)
	fmt.Fprintf(c, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	c.text(float64(width)/2, 22, "middle", title)
	return c
}

func (c *chart) text(x, y float64, anchor, s string) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n",
		x, y, anchor, html.EscapeString(s))
}

func (c *chart) line(x1, y1, x2, y2 float64, colour string) {
	fmt.Fprintf(c, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, colour)
}

func (c *chart) bar(x, y, width, height float64, colour string) {
	fmt.Fprintf(c, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n",
		x, y, width, height, colour)
}

func (c *chart) dot(x, y float64, colour string) {
	fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`+"\n", x, y, colour)
}

func (c *chart) save(name string) error {
	c.WriteString("</svg>\n")
	return os.WriteFile(name, c.Bytes(), 0o644)
}

// step returns a round number that goes into most about five times.
func step(most float64) float64 {
	s := 1.0
	for _, f := range []float64{2, 2.5, 2, 2, 2.5, 2, 2, 2.5, 2} {
		if most/s <= 6 {
			break
		}
		s *= f
	}
	return s
}

// drawLines draws the cost of receiving against the number of descriptors.
func (r *results) drawLines(name string) error {
	const left, right, top, bottom = 60, 700, 40, 420
	most := 0.0
	for _, key := range slopeRows {
		for _, n := range slopeCounts {
			ns, _ := r.traffic.ns(cell{key, "recv", n})
			most = max(most, ns/1000)
		}
	}
	x := func(n float64) float64 { return left + (right-left)*n/256 }
	y := func(us float64) float64 { return bottom - (bottom-top)*us/most }
	c := newChart(740, 480, "Receiving a message: µs, against the number of descriptors in it")
	for n := 0.0; n <= 256; n += 32 {
		c.text(x(n), bottom+20, "middle", fmt.Sprint(n))
	}
	for us := 0.0; us <= most; us += step(most) {
		c.line(left, y(us), right, y(us), "#dddddd")
		c.text(left-8, y(us)+4, "end", fmt.Sprint(us))
	}
	for i, key := range slopeRows {
		var x0, y0 float64
		for _, n := range slopeCounts {
			ns, ok := r.traffic.ns(cell{key, "recv", n})
			if !ok {
				continue
			}
			x1, y1 := x(float64(n)), y(ns/1000)
			c.dot(x1, y1, colours[i])
			if x0 > 0 {
				c.line(x0, y0, x1, y1, colours[i])
			}
			x0, y0 = x1, y1
		}
		c.dot(left+20, float64(top+16+20*i), colours[i])
		c.text(left+32, float64(top+20+20*i), "start", plain(nameOf(key)))
	}
	return c.save(name)
}

// drawBars draws what a message with one descriptor costs, received and closed.
func (r *results) drawBars(name string) error {
	const left, right, top, height = 400, 800, 40, 24
	most := 0.0
	for _, row := range rows {
		ns, _ := r.traffic.ns(cell{row.key, "both", 1})
		most = max(most, ns/1000)
	}
	width := func(us float64) float64 { return (right - left) * us / most }
	c := newChart(880, top+height*len(rows)+20, "Receiving a message with one descriptor, and closing it: µs")
	for i, row := range rows {
		ns, ok := r.traffic.ns(cell{row.key, "both", 1})
		if !ok {
			continue
		}
		y, colour := float64(top+height*i), colours[1]
		if row.ours {
			colour = colours[2]
		}
		c.text(left-8, y+15, "end", plain(row.name))
		c.bar(left, y+2, width(ns/1000), height-6, colour)
		c.text(left+width(ns/1000)+6, y+15, "start", fmt.Sprintf("%.2f", ns/1000))
	}
	floor, _ := r.traffic.ns(cell{floorSingle, "both", 1})
	c.line(left+width(floor/1000), top, left+width(floor/1000), float64(top+height*len(rows)), "#000000")
	return c.save(name)
}

// plain returns a name without Markdown.
func plain(name string) string {
	return string(slices.DeleteFunc([]rune(name), func(r rune) bool { return r == '`' }))
}
