package site

import (
	"bytes"
	"fmt"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/draw"
)

// DrawRequest is what the page's first form asks for.
type DrawRequest struct {
	Archs []string `json:"archs"` // by GOARCH
	FDs   int      `json:"fds"`   // how many descriptors
	With  []string `json:"with"`  // see draw.Extras
	Parts []string `json:"parts"` // see draw.Parts
}

// Drawing is the answer: a figure for each part and architecture, or an error.
type Drawing struct {
	Figures []Figure `json:"figures"`
	Summary string   `json:"summary"` // one sentence for each architecture
	Error   string   `json:"error"`
}

// Figure is one picture and what a table says in its place.
type Figure struct {
	Part   string  `json:"part"`
	Title  string  `json:"title"`
	SVG    string  `json:"svg"`
	Blocks []Block `json:"blocks"`
	Bytes  string  `json:"bytes"` // of the control buffer, in hex; empty for a struct
}

// Draw draws each part for each architecture.
func Draw(q DrawRequest) Drawing {
	var d Drawing
	if len(q.Archs) == 0 || len(q.Parts) == 0 {
		return Drawing{Error: "Choose at least one architecture and one part to draw."}
	}
	for _, part := range q.Parts {
		for _, name := range q.Archs {
			f, sentence, err := figure(name, part, q)
			if err != nil {
				return Drawing{Error: err.Error()}
			}
			d.Figures = append(d.Figures, f)
			if d.Summary != "" {
				d.Summary += " "
			}
			d.Summary += sentence
		}
	}
	return d
}

// figure returns one part on one architecture, and a sentence about it.
func figure(name, part string, q DrawRequest) (f Figure, sentence string, err error) {
	a, err := abi.Lookup(name)
	if err != nil {
		return f, "", err
	}
	p, err := draw.New(a, draw.Options{FDs: q.FDs, With: q.With, Show: []string{part}})
	if err != nil {
		return f, "", err
	}
	var svg bytes.Buffer
	if err := draw.SVG(&svg, []*draw.Picture{p}); err != nil {
		return f, "", err
	}
	f.Part, f.SVG = part, svg.String()
	for _, s := range p.Structs {
		b := structBlock(a, s)
		f.Title, f.Blocks = b.Heading, append(f.Blocks, b)
	}
	if p.Message == nil {
		return f, f.Title + ".", nil
	}
	f.Bytes = p.Bytes
	f.Blocks = reportBlocks(p.Message, unhexed(p.Bytes))
	f.Title = fmt.Sprintf("Control buffer on %s: %d bytes", a.Name, p.Room.Total)
	return f, fmt.Sprintf("%s; meant for %d, it admits %d.", f.Title, q.FDs, p.Room.Admits), nil
}
