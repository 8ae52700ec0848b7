package draw

import (
	"strings"
	"unicode/utf8"
)

// Which neighbours a line goes to from the middle of a character.
const (
	up = 1 << iota
	right
	down
	left
)

// boxes are the characters for all combinations of the four.
var boxes = [16]rune{
	0: ' ', up: '│', right: '─', down: '│', left: '─',
	up | right: '└', up | down: '│', up | left: '┘',
	right | down: '┌', right | left: '─', down | left: '┐',
	up | right | down: '├', up | down | left: '┤',
	up | right | left: '┴', right | down | left: '┬',
	up | right | down | left: '┼',
}

// canvas is a field of characters. Lines that meet on it join by themselves.
type canvas struct {
	text  [][]rune // 0 where there is none
	lines [][]byte
	inks  [][]ink
	style Style
}

func newCanvas(width, height int, s Style) *canvas {
	c := &canvas{make([][]rune, height), make([][]byte, height), make([][]ink, height), s}
	for y := range height {
		c.text[y] = make([]rune, width)
		c.lines[y] = make([]byte, width)
		c.inks[y] = make([]ink, width)
	}
	return c
}

// horizontal draws a line from x0 right to x1.
func (c *canvas) horizontal(y, x0, x1 int) {
	for x := x0; x < x1; x++ {
		c.lines[y][x] |= right
		c.lines[y][x+1] |= left
	}
}

// vertical draws a line from y0 down to y1.
func (c *canvas) vertical(x, y0, y1 int) {
	for y := y0; y < y1; y++ {
		c.lines[y][x] |= down
		c.lines[y+1][x] |= up
	}
}

// put writes s at x, y, as far as width.
func (c *canvas) put(x, y, width int, in ink, s string) {
	for i, r := range []rune(s) {
		if i < width && x+i < len(c.text[y]) {
			c.text[y][x+i] = r
			c.inks[y][x+i] = in
		}
	}
}

// strings returns the canvas's lines.
func (c *canvas) strings() []string {
	all := make([]string, len(c.text))
	for y, row := range c.text {
		for x := range row {
			if row[x] == 0 {
				row[x] = boxes[c.lines[y][x]]
			}
		}
		end := len(strings.TrimRight(string(row), " "))
		all[y] = c.painted(y, utf8.RuneCountInString(string(row)[:end]))
	}
	return all
}

// painted returns the beginning of a line, in its colours.
func (c *canvas) painted(y, end int) string {
	var b strings.Builder
	for x := 0; x < end; {
		in, start := c.inks[y][x], x
		for x < end && c.inks[y][x] == in {
			x++
		}
		text := string(c.text[y][start:x])
		if in != 0 {
			text = c.style.paint(in, text)
		}
		b.WriteString(text)
	}
	return b.String()
}
