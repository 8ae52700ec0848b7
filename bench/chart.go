package main

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// colours are told apart by people who see red and green alike, too.
var colours = []color.Color{
	color.RGBA{0x00, 0x00, 0x00, 0xff}, color.RGBA{0x99, 0x99, 0x99, 0xff},
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
	color.RGBA{0xd5, 0x5e, 0x00, 0xff},
}

// newPlot is a plot on white, so that it can be read on a dark page.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Min, p.Y.Min = 0, 0
	return p
}

// drawLines draws the cost of receiving against the number of descriptors.
func (r *results) drawLines(name string) error {
	p := newPlot("Receiving a message", "descriptors in it", "µs")
	for i, key := range slopeRows {
		var points plotter.XYs
		for _, n := range slopeCounts {
			if ns, ok := r.traffic.ns(cell{key, "recv", n}); ok {
				points = append(points, plotter.XY{X: float64(n), Y: ns / 1000})
			}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, dots.Color, dots.Radius = colours[i], colours[i], vg.Points(2)
		p.Add(line, dots)
		p.Legend.Add(plain(nameOf(key)), line, dots)
	}
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	return p.Save(18*vg.Centimeter, 12*vg.Centimeter, name)
}

// drawBars draws what a message with one descriptor costs, received and closed.
func (r *results) drawBars(name string) error {
	p := newPlot("Receiving one descriptor and closing it", "µs", "")
	var labels []string
	bars := [2]plotter.Values{}
	for _, row := range slices.Backward(rows) {
		ns, ok := r.traffic.ns(cell{row.key, "both", 1})
		if !ok {
			continue
		}
		labels = append(labels, plain(row.name))
		values := [2]float64{ns / 1000, 0}
		if row.ours {
			values = [2]float64{0, ns / 1000}
		}
		bars[0], bars[1] = append(bars[0], values[0]), append(bars[1], values[1])
	}
	for i, c := range []color.Color{colours[1], colours[2]} {
		chart, err := plotter.NewBarChart(bars[i], vg.Points(14))
		if err != nil {
			return err
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width = true, c, 0
		p.Add(chart)
	}
	floor, _ := r.traffic.ns(cell{floorSingle, "both", 1})
	line, err := plotter.NewLine(plotter.XYs{{X: floor / 1000, Y: -0.5}, {X: floor / 1000, Y: float64(len(labels)) - 0.5}})
	if err != nil {
		return err
	}
	p.Add(line)
	p.NominalY(labels...)
	p.X.Min = 0
	return p.Save(22*vg.Centimeter, 12*vg.Centimeter, name)
}

// plain is a name without Markdown.
func plain(name string) string {
	return string(slices.DeleteFunc([]rune(name), func(r rune) bool { return r == '`' }))
}
