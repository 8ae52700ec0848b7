package draw

import (
	"slices"
	"strings"
)

// group is one picture that is the same on several architectures.
type group struct {
	*Picture
	names []string // GOARCH
}

// grouped puts pictures that are alike together, in the order of the first ones.
func grouped(pictures []*Picture, alike func(a, b *Picture) bool) (all []group) {
	for _, p := range pictures {
		i := slices.IndexFunc(all, func(g group) bool { return alike(g.Picture, p) })
		if i < 0 {
			all = append(all, group{Picture: p})
			i = len(all) - 1
		}
		all[i].names = append(all[i].names, p.Arch)
	}
	return all
}

// sameStructs reports whether a and b have the same structs and the same room:
// the word size decides that.
func sameStructs(a, b *Picture) bool { return a.Word == b.Word }

// sameBytes reports whether a and b write the same messages.
func sameBytes(a, b *Picture) bool { return a.Kind == b.Kind && a.SOLSocket == b.SOLSocket }

// label returns all the names, separated by commas.
func (g group) label() string { return strings.Join(g.names, ", ") }

// short is label where that is short, and otherwise what the architectures of a
// table by word size have in common.
func (g group) short() string {
	if s := g.label(); len(s) <= 16 {
		return s
	}
	kind, _, _ := strings.Cut(g.Kind, " ")
	return kind
}
