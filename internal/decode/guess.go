package decode

import (
	"cmp"
	"slices"

	"example.com/fdpass/internal/abi"
)

// Guess says which architectures buf makes sense for: those that find nothing
// but messages as the kernel writes them; failing that, those that begin with
// the longest run of such messages; failing that, those that find messages at
// all. Architectures in one group read every control buffer alike. The machine
// that this runs on comes first, with its group; otherwise the order is that
// of the names.
func Guess(buf []byte) [][]abi.Arch {
	var groups [][]abi.Arch
	best := fit{}
	for _, group := range alike() {
		f := fits(Explain(group[0], buf))
		if c := f.compare(best); c > 0 {
			best, groups = f, nil
		} else if c < 0 {
			continue
		}
		if f != (fit{}) {
			groups = append(groups, group)
		}
	}
	return groups
}

// alike returns every architecture, grouped by what they read in a control buffer.
func alike() (groups [][]abi.Arch) {
	same := func(a, b abi.Arch) bool { return a.Layout == b.Layout && a.SOLSocket == b.SOLSocket }
	for _, a := range nativeFirst() {
		i := slices.IndexFunc(groups, func(g []abi.Arch) bool { return same(g[0], a) })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

// nativeFirst returns every architecture, with this machine's in front.
func nativeFirst() []abi.Arch {
	i := max(0, slices.IndexFunc(abi.All, func(a abi.Arch) bool { return a.Name == abi.Native().Name }))
	return slices.Concat(abi.All[i:i+1], abi.All[:i], abi.All[i+1:])
}

// fit is how much sense a buffer makes, the most telling first.
type fit struct {
	whole  int // 1 if it is nothing but messages that the kernel could have written
	plain  int // how many bytes of such messages it begins with
	walked int // 1 if it is messages from beginning to end, of whatever content
}

func (f fit) compare(g fit) int {
	return cmp.Or(cmp.Compare(f.whole, g.whole), cmp.Compare(f.plain, g.plain),
		cmp.Compare(f.walked, g.walked))
}

// fits rates a report. The kernel cuts only the last message of a buffer.
func fits(r *Report) (f fit) {
	whole := r.Error == nil
	for i, m := range r.Messages {
		if !m.plain && !(m.short && i == len(r.Messages)-1) {
			whole = false
			break
		}
		last := m.Fields[len(m.Fields)-1]
		f.plain = last.Offset + last.Size
	}
	if whole {
		f.whole = 1
	}
	if r.Error == nil {
		f.walked = 1
	}
	return f
}
