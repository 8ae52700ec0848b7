package site

import (
	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/draw"
)

// Choices are what the page offers.
type Choices struct {
	Archs  []ArchChoice `json:"archs"`
	Extras []string     `json:"extras"` // in the order in which the kernel writes them
	Parts  []string     `json:"parts"`  // in the order in which they are drawn
	MaxFDs int          `json:"maxFDs"`
}

// ArchChoice is an architecture by its GOARCH.
type ArchChoice struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "64-bit little-endian"
}

// Offer returns what Draw and Explain know.
func Offer() Choices {
	c := Choices{Extras: draw.Extras, Parts: draw.Parts, MaxFDs: draw.MaxFDs}
	for _, a := range abi.All {
		c.Archs = append(c.Archs, ArchChoice{a.Name, a.Kind()})
	}
	return c
}
