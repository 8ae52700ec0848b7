package golden

import (
	"embed"
	"reflect"
	"slices"
	"testing"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/cmsg"
)

//go:embed testdata
var testdata embed.FS

// expectation is what a message must decode to: the types of its control
// messages in order, how many descriptors fitted and whether something did not,
// on 32-bit and on 64-bit machines.
type expectation struct {
	types     []int
	fit32     int
	fit64     int
	truncated bool
	optional  bool // newer than the oldest kernel here
}

// SCM_RIGHTS is 1, SCM_CREDENTIALS 2, SCM_PIDFD 4; SO_TIMESTAMP is 29,
// SO_TIMESTAMPNS 35 and SO_TIMESTAMPNS_NEW 64.
var expectations = map[string]expectation{
	"one descriptor":                      {types: []int{1}, fit32: 1, fit64: 1},
	"two descriptors":                     {types: []int{1}, fit32: 2, fit64: 2},
	"three descriptors":                   {types: []int{1}, fit32: 3, fit64: 3},
	"credentials":                         {types: []int{2}},
	"credentials and two descriptors":     {types: []int{2, 1}, fit32: 2, fit64: 2},
	"pidfd":                               {types: []int{4}, optional: true},
	"credentials, descriptor and pidfd":   {types: []int{2, 1, 4}, fit32: 1, fit64: 1, optional: true},
	"time in microseconds":                {types: []int{29}},
	"time in nanoseconds":                 {types: []int{35}},
	"time in nanoseconds, 64-bit":         {types: []int{64}},
	"time, credentials and descriptor":    {types: []int{35, 2, 1}, fit32: 1, fit64: 1},
	"three descriptors, space for one":    {types: []int{1}, fit32: 1, fit64: 2, truncated: true},
	"two descriptors, length for one":     {types: []int{1}, fit32: 1, fit64: 1, truncated: true},
	"one descriptor, not even a header":   {truncated: true},
	"credentials, two thirds of them fit": {types: []int{2}, truncated: true},
}

// files reads every golden file.
func files(t *testing.T) map[string]File {
	t.Helper()
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]File)
	for _, e := range entries {
		b, err := testdata.ReadFile("testdata/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(string(b))
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		if f.Arch+".txt" != e.Name() {
			t.Errorf("%s is of %s", e.Name(), f.Arch)
		}
		all[f.Arch] = f
	}
	return all
}

func TestIsThereAFileOfEveryArchitecture(t *testing.T) {
	all := files(t)
	for _, a := range abi.All {
		f, ok := all[a.Name]
		if !ok {
			t.Errorf("none of %s", a.Name)
			continue
		}
		for name, e := range expectations {
			if !e.optional && !slices.ContainsFunc(f.Messages, func(m Message) bool {
				return m.Name == name
			}) {
				t.Errorf("%s: no message %q", a.Name, name)
			}
		}
	}
}

func TestDoesWhatEveryKernelWroteDecode(t *testing.T) {
	for name, f := range files(t) {
		a, err := abi.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.Messages {
			t.Run(name+" "+m.Name, func(t *testing.T) { check(t, a, m) })
		}
	}
}

// check decodes a message and compares it with what is known from elsewhere.
func check(t *testing.T, a abi.Arch, m Message) {
	want, ok := expectations[m.Name]
	if !ok {
		t.Fatal("nothing is expected of this message")
	}
	if truncated := m.Flags&8 != 0; truncated != want.truncated { // MSG_CTRUNC
		t.Errorf("flags %#x, want truncation: %v", m.Flags, want.truncated)
	}
	fit := want.fit64
	if a.Word == 4 {
		fit = want.fit32
	}
	if len(m.Installed) != fit {
		t.Errorf("%d descriptors were installed, want %d", len(m.Installed), fit)
	}
	var types, rights []int
	rest := m.Control[:m.Controllen]
	for {
		c, next, ok, err := a.Next(rest)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if int(c.Level) != a.SOLSocket {
			t.Errorf("level %#x, want %#x", c.Level, a.SOLSocket)
		}
		types = append(types, int(c.Type))
		if c.Type == 1 {
			rights = append(rights, ints(a.Layout, c.Data)...)
		} else {
			checkData(t, a, m, c)
		}
		rest = next
	}
	if !slices.Equal(types, want.types) {
		t.Errorf("control messages of types %v, want %v", types, want.types)
	}
	if !slices.Equal(rights, m.Installed) {
		t.Errorf("descriptors %v, want %v", rights, m.Installed)
	}
}

// checkData looks into a control message that is not one of descriptors.
func checkData(t *testing.T, a abi.Arch, m Message, c cmsg.Control) {
	t.Helper()
	switch c.Type {
	case 2:
		got, want := ints(a.Layout, c.Data), m.Process[:]
		if m.Flags&8 != 0 {
			want = want[:2]
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("credentials %v, want %v", got, want)
		}
	case 4:
		if got := ints(a.Layout, c.Data); !slices.Equal(got, m.PIDFD) {
			t.Errorf("pidfd %v, want %v", got, m.PIDFD)
		}
	case 29, 35, 64:
		known, ok := a.Message(int(c.Type))
		if !ok || len(c.Data) != known.Payload.Size {
			t.Fatalf("type %d has %d bytes, want %d", c.Type, len(c.Data), known.Payload.Size)
		}
		seconds := int64(int32(a.Uint32(c.Data)))
		if len(c.Data) == 16 {
			seconds = int64(a.Uint64(c.Data))
		}
		if seconds < m.Clock[0] || seconds > m.Clock[1] {
			t.Errorf("time %d, want between %d and %d", seconds, m.Clock[0], m.Clock[1])
		}
	}
}

// ints returns the numbers of four bytes in b.
func ints(l cmsg.Layout, b []byte) (ns []int) {
	for ; len(b) >= 4; b = b[4:] {
		ns = append(ns, int(int32(l.Uint32(b))))
	}
	return ns
}
