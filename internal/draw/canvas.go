package draw

import "strings"

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
}

func newCanvas(width, height int) *canvas {
	c := &canvas{make([][]rune, height), make([][]byte, height)}
	for y := range height {
		c.text[y] = make([]rune, width)
		c.lines[y] = make([]byte, width)
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
func (c *canvas) put(x, y, width int, s string) {
	for i, r := range []rune(s) {
		if i < width {
			c.text[y][x+i] = r
		}
	}
}

// strings are the canvas's lines.
func (c *canvas) strings() []string {
	all := make([]string, len(c.text))
	for y, row := range c.text {
		var b strings.Builder
		for x, r := range row {
			if r == 0 {
				r = boxes[c.lines[y][x]]
			}
			b.WriteRune(r)
		}
		all[y] = strings.TrimRight(b.String(), " ")
	}
	return all
}
