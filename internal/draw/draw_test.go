package draw

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/lines"
)

func pictures(t testing.TB, o Options, archs ...string) (all []*Picture) {
	t.Helper()
	for _, name := range archs {
		a, err := abi.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(a, o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func drawn(t testing.TB, o Options, archs ...string) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, pictures(t, o, archs...), Style{Width: 80}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatDoesADrawingLookLike(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     Options
		archs string
		want  string
	}{
		{"one architecture", Options{FDs: 1, Show: []string{"iovec", "cmsghdr", "message"}}, "amd64", `
amd64: 64-bit little-endian, SOL_SOCKET is 1

struct iovec: 16 bytes               struct cmsghdr: 16 bytes
┌─────────────────────────────────┐  ┌─────────────────────────────────┐
│ void *iov_base                  │  │ size_t cmsg_len                 │
│ at 0, 8 bytes                   │  │ at 0, 8 bytes                   │
├─────────────────────────────────┤  ├────────────────┬────────────────┤
│ size_t iov_len                  │  │ int cmsg_level │ int cmsg_type  │
│ at 8, 8 bytes                   │  │ at 8, 4 bytes  │ at 12, 4 bytes │
└─────────────────────────────────┘  └────────────────┴────────────────┘

     msg_control: 24 bytes
     1. SCM_RIGHTS: 1 descriptor
     ┌─────────────────────────────────┐ ┐             ┐
   0 │ size_t cmsg_len = 20            │ │             │
     │ 14 00 00 00 00 00 00 00         │ │             │
     ├────────────────┬────────────────┤ │             │
   8 │ cmsg_level = 1 │ cmsg_type = 1  │ │ CMSG_LEN(4) │ CMSG_SPACE(4)
     │ 01 00 00 00    │ 01 00 00 00    │ │ = 20        │ = 24
     ├────────────────┼────────────────┤ │             │
  16 │ int fd[0] = 5  │░padding ░░░░░░░│ │             │
     │ 05 00 00 00    │░?? ?? ?? ?? ░░░│ ┘             │
     └────────────────┴────────────────┘               ┘

       CMSG_LEN(4)  CMSG_SPACE(4)  lets through
amd64  16 + 4 = 20  16 + 8 = 24    (24 - 16) / 4 = 2, 1 too many

The kernel uses the padding, too: a buffer that ends at CMSG_SPACE(4) lets more
than 1 descriptor through. One that ends at CMSG_LEN(4) does not, and the
kernel sets MSG_CTRUNC when there were more.
`},
		{"two side by side", Options{FDs: 2, Show: []string{"message"}}, "s390x mips", `
s390x: 64-bit big-endian, SOL_SOCKET is 1
mips: 32-bit big-endian, SOL_SOCKET is 65535

     s390x: msg_control, 24 bytes            mips: msg_control, 20 bytes
     SCM_RIGHTS                              SCM_RIGHTS
     ┌─────────────────────────────────┐     ┌───────────────────────┐
   0 │ size_t cmsg_len = 24            │   0 │ size_t cmsg_len = 20  │
     │ 00 00 00 00 00 00 00 18         │     │ 00 00 00 14           │
     ├────────────────┬────────────────┤     ├───────────────────────┤
   8 │ cmsg_level = 1 │ cmsg_type = 1  │   4 │ int cmsg_level = 65535│
     │ 00 00 00 01    │ 00 00 00 01    │     │ 00 00 ff ff           │
     ├────────────────┼────────────────┤     ├───────────────────────┤
  16 │ int fd[0] = 5  │ int fd[1] = 6  │   8 │ int cmsg_type = 1     │
     │ 00 00 00 05    │ 00 00 00 06    │     │ 00 00 00 01           │
     └────────────────┴────────────────┘     ├───────────────────────┤
     CMSG_LEN(8) = 24                     12 │ int fd[0] = 5         │
     CMSG_SPACE(8) = 24                      │ 00 00 00 05           │
                                             ├───────────────────────┤
                                          16 │ int fd[1] = 6         │
                                             │ 00 00 00 06           │
                                             └───────────────────────┘
                                             CMSG_LEN(8) = 20
                                             CMSG_SPACE(8) = 20

       CMSG_LEN(8)  CMSG_SPACE(8)  lets through
s390x  16 + 8 = 24  16 + 8 = 24    (24 - 16) / 4 = 2
mips   12 + 8 = 20  12 + 8 = 20    (20 - 12) / 4 = 2

There is no padding: as many descriptors fit as the room is meant for.
`},
	} {
		got := drawn(t, c.o, strings.Fields(c.archs)...)
		if want := strings.TrimPrefix(c.want, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, want)
		}
	}
}

// every is what can be drawn, each with much and with little of it.
var every = []Options{
	{FDs: 0, Show: Parts},
	{FDs: 1, With: []string{"cred"}, Show: Parts},
	{FDs: 2, With: []string{"pidfd"}, Show: Parts},
	{FDs: 10, With: []string{"security", "inq"}, Show: Parts[5:]},
	{FDs: MaxFDs, With: Extras, Show: Parts},
}

// combinations are architectures to draw together.
func combinations() (all [][]string) {
	var names []string
	for _, a := range abi.All {
		names = append(names, a.Name)
		all = append(all, []string{a.Name})
	}
	return append(all, names,
		[]string{"386", "arm", "mips"}, []string{"amd64", "386"}, []string{"mipsle", "mips64le"})
}

func TestDoesEveryDrawingFitTheTerminal(t *testing.T) {
	for _, o := range every {
		for _, archs := range combinations() {
			text := drawn(t, o, archs...)
			for line := range lines.Of(text) {
				if n := utf8.RuneCountInString(line) - 1; n > 80 {
					t.Errorf("%v, %+v: %d columns: %s", archs, o, n, line)
				}
			}
			if !strings.Contains(text, "CMSG_SPACE") && len(o.Show) == len(Parts) {
				t.Errorf("%v, %+v: no message", archs, o)
			}
		}
	}
}

func TestIsEveryImageOneThatCanBeRead(t *testing.T) {
	for _, o := range every {
		for _, archs := range combinations() {
			var a, b bytes.Buffer
			err := errors.Join(SVG(&a, pictures(t, o, archs...)), SVG(&b, pictures(t, o, archs...)))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("%v: twice drawn, and not the same", archs)
			}
			texts := 0
			for d := xml.NewDecoder(&a); ; {
				token, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%v, %+v: %v", archs, o, err)
				}
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "text" {
					texts++
				}
			}
			if texts < 10*len(archs) {
				t.Errorf("%v, %+v: only %d texts", archs, o, texts)
			}
		}
	}
}

// The numbers are those of the C macros and of the kernel's arithmetic.
func TestHowManyDescriptorsDoesARoomAdmit(t *testing.T) {
	for _, c := range []struct {
		arch                 string
		fds                  int
		with                 string
		before, total, admit int
	}{
		{"amd64", 1, "", 0, 24, 2},
		{"amd64", 2, "", 0, 24, 2},
		{"amd64", 3, "", 0, 32, 4},
		{"386", 1, "", 0, 16, 1},
		{"386", 3, "", 0, 24, 3},
		{"s390x", 1, "cred", 32, 56, 2},
		{"mips", 1, "cred", 24, 40, 1},
		{"amd64", 1, "pidfd", 0, 48, 8},
		{"arm", 1, "pidfd", 0, 32, 5},
		{"amd64", 1, "inq pidfd security cred timestamp", 96, 168, 14},
		{"amd64", 253, "", 0, 1032, 253},
		{"amd64", 0, "", 0, 16, 0},
	} {
		o := Options{FDs: c.fds, With: strings.Fields(c.with), Show: []string{"message"}}
		p := pictures(t, o, c.arch)[0]
		r := p.Room
		if r.Before != c.before || r.Total != c.total || r.Admits != c.admit || len(p.buf) != c.total {
			t.Errorf("%s, %d descriptors, %q: %+v, want %d before, %d in all, %d let through",
				c.arch, c.fds, c.with, *r, c.before, c.total, c.admit)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	for want, o := range map[string]Options{
		"-1 descriptors: the kernel passes 0 to 253 in a message":                                   {FDs: -1, Show: Parts},
		"254 descriptors: the kernel passes 0 to 253 in a message":                                  {FDs: 254, Show: Parts},
		`there is no extra "fd"; known: timestamp, cred, security, pidfd, inq`:                      {With: []string{"fd"}, Show: Parts},
		`there is no part "stat"; known: pointers, msghdr, iovec, cmsghdr, mmsghdr, ucred, message`: {Show: []string{"stat"}},
		`nothing to draw; known: pointers, msghdr, iovec, cmsghdr, mmsghdr, ucred, message`:         {},
	} {
		if _, err := New(abi.Native(), o); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}

func TestHasJSONWhatTheDrawingShows(t *testing.T) {
	b, err := json.Marshal(pictures(t, Options{FDs: 1, Show: []string{"cmsghdr", "message"}}, "mips"))
	if err != nil {
		t.Fatal(err)
	}
	const head = `[{"arch":"mips","kind":"32-bit big-endian","word":4,"sol_socket":65535,"structs":[` +
		`{"name":"cmsghdr","size":12,"align":4,"fields":[` +
		`{"type":"size_t","name":"cmsg_len","offset":0,"size":4},` +
		`{"type":"int","name":"cmsg_level","offset":4,"size":4},` +
		`{"type":"int","name":"cmsg_type","offset":8,"size":4}]}],` +
		`"bytes":"000000100000ffff0000000100000005","message":{"arch":"mips",`
	const tail = `"room":{"data":4,"header":12,"cmsg_len":16,"cmsg_space":16,"before":0,"after":0,"total":16,"admits":1}}]`
	if s := string(b); !strings.HasPrefix(s, head) || !strings.HasSuffix(s, tail) {
		t.Errorf("%s\nshould begin with\n%s\nand end with\n%s", s, head, tail)
	}
}

func TestDoLinesJoin(t *testing.T) {
	c := newCanvas(5, 3, Style{})
	for y := range 3 {
		c.horizontal(y, 0, 4)
	}
	for _, x := range []int{0, 2, 4} {
		c.vertical(x, 0, 2)
	}
	const want = "┌─┬─┐\n├─┼─┤\n└─┴─┘"
	if got := strings.Join(c.strings(), "\n"); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}
