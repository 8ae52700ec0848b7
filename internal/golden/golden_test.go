package golden

import (
	"reflect"
	"strings"
	"testing"
)

var example = File{
	Arch: "mips", Kernel: "6.1.0",
	Messages: []Message{{
		Name: "two descriptors", Flags: 0x40000008, Controllen: 20, Installed: []int{5, 260}, PIDFD: []int{7},
		Process: [3]int{1, 1000, 65534}, Clock: [2]int64{1700000000, 1700000001},
		// cmsg_len 20, SOL_SOCKET, SCM_RIGHTS, 5 and 260, and four bytes left alone
		Control: []byte{
			0, 0, 0, 20, 0, 0, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 1, 4, 0xa5, 0xa5, 0xa5, 0xa5,
		},
	}},
}

func TestIsAFileReadAsItWasWritten(t *testing.T) {
	got, err := Parse(example.String())
	if err != nil || !reflect.DeepEqual(got, example) {
		t.Errorf("%+v, %v, want %+v", got, err, example)
	}
	for _, text := range []string{"", "arch mips\nkernel 6.1\n", example.String() + "colour red\n",
		strings.Replace(example.String(), "flags 0x", "flags y", 1)} {
		if f, err := Parse(text); err == nil {
			t.Errorf("%q is read as %+v", text, f)
		}
	}
}

func TestWhatIsADifference(t *testing.T) {
	change := func(f func(m *Message)) File {
		other, err := Parse(example.String())
		if err != nil {
			t.Fatal(err)
		}
		f(&other.Messages[0])
		return other
	}
	for _, c := range []struct {
		what string
		f    func(m *Message)
		same bool
	}{
		{"another descriptor", func(m *Message) { m.Installed[0], m.Control[15] = 6, 6 }, true},
		{"another time", func(m *Message) { m.Clock[0]++ }, true},
		{"a flag", func(m *Message) { m.Flags = 0 }, false},
		{"a type", func(m *Message) { m.Control[11] = 2 }, false},
		{"a byte after the end", func(m *Message) { m.Control[20] = 0 }, false},
		{"a name", func(m *Message) { m.Name = "other" }, false},
	} {
		differences, err := example.Compare(change(c.f))
		if err != nil || (len(differences) == 0) != c.same {
			t.Errorf("%s: %v, %q", c.what, err, differences)
		}
	}
}
