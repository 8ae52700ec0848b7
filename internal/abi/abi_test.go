package abi

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"example.com/fdpass/internal/cmsg"
	"example.com/fdpass/rawmsg"
)

// offsets are a struct's size and its members' offsets, in their order.
type offsets struct {
	size int
	at   []int
}

func of(s Struct) offsets {
	o := offsets{size: s.Size}
	for _, f := range s.Fields {
		if !f.Padding() {
			o.at = append(o.at, f.Offset)
		}
	}
	return o
}

// The numbers are those that C compilers for these machines give.
func TestDoTheRulesGiveCsNumbers(t *testing.T) {
	type row struct {
		name    string
		lay     func(Arch) Struct
		on32    offsets
		on64    offsets
		padding [2]int // bytes of it, on 32 and on 64 bit
	}
	rows := []row{
		{"msghdr", Arch.Msghdr, offsets{28, []int{0, 4, 8, 12, 16, 20, 24}},
			offsets{56, []int{0, 8, 16, 24, 32, 40, 48}}, [2]int{0, 8}},
		{"iovec", Arch.Iovec, offsets{8, []int{0, 4}}, offsets{16, []int{0, 8}}, [2]int{0, 0}},
		{"cmsghdr", Arch.Cmsghdr, offsets{12, []int{0, 4, 8}}, offsets{16, []int{0, 8, 12}}, [2]int{0, 0}},
		{"mmsghdr", Arch.Mmsghdr, offsets{32, []int{0, 28}}, offsets{64, []int{0, 56}}, [2]int{0, 4}},
		{"ucred", Arch.Ucred, offsets{12, []int{0, 4, 8}}, offsets{12, []int{0, 4, 8}}, [2]int{0, 0}},
	}
	for _, a := range All {
		for _, r := range rows {
			s, want, padding := r.lay(a), r.on64, r.padding[1]
			if a.Word == 4 {
				want, padding = r.on32, r.padding[0]
			}
			if got := of(s); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s is %v, want %v", a.Name, r.name, got, want)
			}
			if s.Name != r.name {
				t.Errorf("%s: %s is called %s", a.Name, r.name, s.Name)
			}
			for _, f := range s.Fields {
				if f.Padding() {
					padding -= f.Size
				}
			}
			if padding != 0 {
				t.Errorf("%s: %s: %d bytes of padding too few", a.Name, r.name, padding)
			}
		}
	}
}

func TestDoesEveryByteOfAStructBelongToOneField(t *testing.T) {
	for _, a := range All {
		structs := []Struct{a.Msghdr(), a.Iovec(), a.Cmsghdr(), a.Mmsghdr(), a.Ucred()}
		for _, m := range messages {
			known, ok := a.Message(m.typ)
			if !ok || known.Name != m.name {
				t.Fatalf("%s: type %d is %v, %v", a.Name, m.typ, known, ok)
			}
			structs = append(structs, known.Payload)
		}
		for _, s := range structs {
			end := 0
			for _, f := range s.Fields {
				if f.Offset != end || f.Size <= 0 {
					t.Errorf("%s: %s: %q at %d, size %d, want it at %d",
						a.Name, s.Name, f.Decl(), f.Offset, f.Size, end)
				}
				end = f.Offset + f.Size
			}
			if end != s.Size {
				t.Errorf("%s: %s: fields end at %d of %d", a.Name, s.Name, end, s.Size)
			}
		}
	}
}

// rawmsg's structs are what the Go compiler makes of them on the machine that
// runs the test, and what the kernel there is given.
func TestAreTheRulesWhatTheCompilerDoesHere(t *testing.T) {
	a := Native()
	for _, c := range []struct {
		rule Struct
		real reflect.Type
	}{
		{a.Msghdr(), reflect.TypeFor[rawmsg.Msghdr]()},
		{a.Iovec(), reflect.TypeFor[rawmsg.Iovec]()},
		{a.Cmsghdr(), reflect.TypeFor[rawmsg.Cmsghdr]()},
		{a.Mmsghdr(), reflect.TypeFor[rawmsg.Mmsghdr]()},
		{a.Ucred(), reflect.TypeFor[rawmsg.Ucred]()},
	} {
		if c.rule.Size != int(c.real.Size()) || c.rule.Align != c.real.Align() {
			t.Errorf("%s: size %d aligned to %d, and %v is %d aligned to %d",
				c.rule.Name, c.rule.Size, c.rule.Align, c.real, c.real.Size(), c.real.Align())
		}
		i := 0
		for f := range fields(c.real) {
			for c.rule.Fields[i].Padding() {
				i++
			}
			r := c.rule.Fields[i]
			i++
			// msg_iovlen and Iovlen, iov_base and Base, pid and Pid.
			cname := r.Name[strings.LastIndex(r.Name, "_")+1:]
			if !strings.EqualFold(cname, f.Name) || r.Offset != int(f.Offset) ||
				r.Size != int(f.Type.Size()) {
				t.Errorf("%s: %s at %d, size %d, and %s at %d, size %d",
					c.rule.Name, r.Name, r.Offset, r.Size, f.Name, f.Offset, f.Type.Size())
			}
		}
	}
}

// fields are t's fields but for the marker that asks for C's layout.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); f.Name != "_" && !yield(f) {
				return
			}
		}
	}
}

func TestIsEveryArchitectureOfItsKind(t *testing.T) {
	// From go tool dist list, by word size and byte order.
	want := map[string]string{
		"386": "32-bit little-endian", "arm": "32-bit little-endian", "mipsle": "32-bit little-endian",
		"mips":  "32-bit big-endian",
		"amd64": "64-bit little-endian", "arm64": "64-bit little-endian", "loong64": "64-bit little-endian",
		"mips64le": "64-bit little-endian", "ppc64le": "64-bit little-endian", "riscv64": "64-bit little-endian",
		"mips64": "64-bit big-endian", "ppc64": "64-bit big-endian", "s390x": "64-bit big-endian",
	}
	if len(All) != 13 || len(want) != 13 {
		t.Fatalf("%d architectures and %d expected, want 13", len(All), len(want))
	}
	for _, a := range All {
		if a.Kind() != want[a.Name] {
			t.Errorf("%s is %s, want %s", a.Name, a.Kind(), want[a.Name])
		}
	}
	if a := Native(); a.Layout != cmsg.Native {
		t.Errorf("%s: %+v, and this machine has %+v", a.Name, a.Layout, cmsg.Native)
	}
}

func TestIsTheNumberOfASocketOptionRight(t *testing.T) {
	for _, a := range All {
		// SOL_SOCKET, SO_TYPE, SO_PROTOCOL, SO_DOMAIN, SO_PASSCRED, SO_PEERCRED, SO_PEERSEC, SO_RCVTIMEO, SO_SNDTIMEO
		want := [9]int{1, 3, 38, 39, 16, 17, 31, 20, 21}
		switch a.Name {
		case "mips", "mipsle", "mips64", "mips64le":
			want = [9]int{0xffff, 0x1008, 0x1028, 0x1029, 17, 18, 30, 0x1006, 0x1005}
		case "ppc64", "ppc64le":
			want = [9]int{1, 3, 38, 39, 20, 21, 31, 18, 19}
		}
		o := a.Sockopts
		got := [9]int{o.SOLSocket, o.Type, o.Protocol, o.Domain, o.PassCred, o.PeerCred, o.PeerSec,
			o.RcvTimeo, o.SndTimeo}
		if got != want {
			t.Errorf("%s: %v, want %v", a.Name, got, want)
		}
	}
}

func TestWhatDoesLookupSayToAnUnknownName(t *testing.T) {
	if a, err := Lookup("s390x"); err != nil || a.Name != "s390x" {
		t.Errorf("s390x is %v, %v", a.Name, err)
	}
	for _, name := range []string{"", "vax", "AMD64", "amd64 "} {
		_, err := Lookup(name)
		if err == nil || !strings.Contains(err.Error(), "known: 386, amd64, arm,") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// The names are those that uname -m, Debian and GNU's compilers print.
func TestAreOtherNamesKnown(t *testing.T) {
	for name, want := range map[string]string{
		"i386": "386", "i686": "386", "x86_64": "amd64", "x86-64": "amd64", "armv7l": "arm", "armhf": "arm",
		"aarch64": "arm64", "loongarch64": "loong64", "mips64": "mips64", "mips64el": "mips64le",
		"mipsel": "mipsle", "powerpc64": "ppc64", "ppc64el": "ppc64le", "powerpc64le": "ppc64le",
		"riscv64": "riscv64", "s390x": "s390x",
	} {
		if a, err := Lookup(name); err != nil || a.Name != want {
			t.Errorf("%s is %q, %v, and should be %s", name, a.Name, err, want)
		} else if !slices.Contains(a.Names(), name) {
			t.Errorf("%s is not among %v", name, a.Names())
		}
	}
	for alias, name := range aliases {
		if a, err := Lookup(alias); err != nil || a.Name != name {
			t.Errorf("%s: %q, %v, want %s", alias, a.Name, err, name)
		}
	}
}

func TestHowLongIsEachPayload(t *testing.T) {
	for _, c := range []struct{ typ, on32, on64 int }{
		{1, 4, 4}, {2, 12, 12}, {3, 0, 0}, {4, 4, 4},
		{29, 8, 16}, {35, 8, 16}, {37, 24, 48},
		{63, 16, 16}, {64, 16, 16}, {65, 48, 48},
		{84, 4, 4},
	} {
		for _, a := range All {
			want := c.on64
			if a.Word == 4 {
				want = c.on32
			}
			if m, ok := a.Message(c.typ); !ok || m.Payload.Size != want {
				t.Errorf("%s: type %d: %d bytes, %v, want %d", a.Name, c.typ, m.Payload.Size, ok, want)
			}
		}
	}
	if m, ok := Native().Message(5); ok {
		t.Errorf("type 5 is %v", m)
	}
}
