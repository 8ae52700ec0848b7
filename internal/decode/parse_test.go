package decode

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rights is one descriptor on amd64, 24 bytes.
const rights = "\x14\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00"

// The texts are what these programs print for the same bytes.
var forms = map[string]string{
	"plain hex":         "140000000000000001000000010000000500000000000000",
	"plain, upper case": "14000000 00000000\n01000000\t01000000 05000000 00000000\n",
	"pairs":             "14 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00 05 00 00 00 00 00 00 00",
	"colons":            "14:00:00:00:00:00:00:00:01:00:00:00:01:00:00:00:05:00:00:00:00:00:00:00",
	"xxd -p -c 8":       "1400000000000000\n0100000001000000\n0500000000000000\n",
	"xxd": `00000000: 1400 0000 0000 0000 0100 0000 0100 0000  ................
00000010: 0500 0000 0000 0000                      ........
`,
	"xxd -g 1 -c 8": `00000000: 14 00 00 00 00 00 00 00  ........
00000008: 01 00 00 00 01 00 00 00  ........
00000010: 05 00 00 00 00 00 00 00  ........
`,
	"xxd -s 8 of a longer file": `00000008: 1400 0000 0000 0000 0100 0000 0100 0000  ................
00000018: 0500 0000 0000 0000                      ........
`,
	"hexdump -C": `00000000  14 00 00 00 00 00 00 00  01 00 00 00 01 00 00 00  |................|
00000010  05 00 00 00 00 00 00 00                           |........|
00000018
`,
	"strace": `"\24\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\5\0\0\0\0\0\0\0"`,
	"strace -xx": `"\x14\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00` +
		`\x05\x00\x00\x00\x00\x00\x00\x00"`,
	"C strings": `"\024\000\000\000\000\000\000\000"
"\001\000\000\000\001\000\000\000" "\005\000\000\000\000\000\000\000"`,
	"Python": `b'\x14\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00'`,
	"xxd -i": `unsigned char buf[] = {
  0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
  0x01, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
};
unsigned int buf_len = 24;
`,
	"a C array":    "{20, 0,0,0,0,0,0,0, 1,0,0,0, 0X01,0,0,0, 05,0,0,0, 0,0,0,0,}",
	"bare numbers": strings.Repeat("0x14 ", 1) + strings.Repeat("0x0 ", 7) + "0x1 0 0 0 0x1 0 0 0 0x5 0 0 0 0 0 0 0",
}

func TestIsEveryFormRead(t *testing.T) {
	for name, text := range forms {
		got, err := Parse(text)
		if err != nil || string(got) != rights {
			t.Errorf("%s: % x, %v", name, got, err)
		}
		// What comes from Windows has two characters at a line's end.
		got, err = Parse(strings.ReplaceAll(text, "\n", "\r\n"))
		if err != nil || string(got) != rights {
			t.Errorf("%s, with carriage returns: % x, %v", name, got, err)
		}
	}
}

func TestWhatDoTheFormsHaveThatIsTheirOwn(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"white space", " \n\t", ""},
		{"hexdump -C of 40 bytes, two lines the same", `00000000  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|
*
00000020  0a 22 7b 7c 00 ff 20 30                           |."{|.. 0|
00000028`, strings.Repeat("a", 32) + "\n\"{|\x00\xff 0"},
		{"xxd's characters may look like anything", `00000000: 2230 7822 207b 7c7d 3a20 2020 2020 2020  "0x" {|}:       
00000010: 0a                                       .`, "\"0x\" {|}:       \n"},
		{"all escapes", `"\a\b\e\f\n\r\t\v\\\"\'\377\0018\x1g"`, "\a\b\x1b\f\n\r\t\v\\\"'\xff\x018\x01g"},
		{"a string of printable characters", `"abc é"`, "abc é"},
		{"an empty string", `""`, ""},
		{"an empty array", "{}", ""},
	} {
		got, err := Parse(c.text)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestWhereIsATextWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"1", "line 1, column 1: an odd number of hex digits: '1' has no second one"},
		{"14 0", "line 1, column 4: an odd number of hex digits: '0' has no second one"},
		{"14 0 00", "line 1, column 4: an odd number of hex digits: '0' has no second one"},
		{"1400\n00g0", "line 2, column 3: 'g' is no hex digit"},
		{"00é0", "line 1, column 3: 'é' is no hex digit"},
		{"00 \xff", "line 1, column 4: '�' is no hex digit"},
		{"00000000: 1400 0\n", "line 1, column 16: an odd number of hex digits: '0' has no second one"},
		{"00000000: 1400\n00000004: 00", "line 2, column 1: offset 0x4, and 0x2 should follow"},
		{"00000000: 1400\n00 00", "line 2, column 1: no offset, as the lines before have"},
		{"00000000  14 00  |..|\n00000010", "line 2, column 1: offset 0x10, and 0x2 should follow"},
		{"00000000  14 00  |..|\n*\n", "line 2, column 1: no line follows to say how often the one before is repeated"},
		{"00000000  14 00  |..|\n*\n00000003", "line 3, column 1: offset 0x3, and 0x2 should follow"},
		{"00000000  14 00  |..|\n*\n7ffffffe", "line 3, column 1: more than 262144 bytes"},
		{"00000000  14 00  |..|\n*\nffffffffffffffff", "line 3, column 1: the offset ffffffffffffffff is too large"},
		{"00000000  |\n*\n", "line 2, column 1: no line to repeat"},
		{`"\24\0`, "line 1, column 1: the string is not closed"},
		{`"\`, "line 1, column 2: the string ends in the middle of an escape"},
		{`"\400"`, `line 1, column 2: "\\400" is not the escape of a byte`},
		{`"\x"`, `line 1, column 2: "\\x" is not the escape of a byte`},
		{`"\q"`, `line 1, column 2: "\\" is not the escape of a byte`},
		{`"\24\0"...`, "line 1, column 8: strace left out the rest of the string: give it a larger -s"},
		{`x "\24\0"`, "line 1, column 1: outside of a quoted string"},
		{"{0x14, 0x100}", `line 1, column 8: "0x100" is not a number from 0 to 255`},
		{"{0x14, -1}", `line 1, column 8: "-1" is not a number from 0 to 255`},
		{"{0x14, 0x00", "line 1, column 1: the brace is not closed"},
		{"0x140000000000000001", `line 1, column 1: "0x140000000000000001" is not a number from 0 to 255`},
	} {
		got, err := Parse(c.text)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: % x, %v, want %s", c.text, got, err, c.want)
		}
	}
}

func TestIsATextThatIsTooLongRefused(t *testing.T) {
	for name, text := range map[string]string{
		"hex":    strings.Repeat("00", MaxBuffer),
		"array":  "{" + strings.Repeat("0,", MaxBuffer) + "}",
		"string": `"` + strings.Repeat(`\0`, MaxBuffer) + `"`,
	} {
		if got, err := Parse(text); err != nil || len(got) != MaxBuffer {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		more := strings.Replace(text, "0", "00,00", 1)
		if name == "string" {
			more = text + `"a"`
		}
		if got, err := Parse(more); err == nil || !strings.HasSuffix(err.Error(), "more than 262144 bytes") {
			t.Errorf("%s, one more: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestWhichArchitecturesDoesABufferSuit(t *testing.T) {
	const (
		le32   = "386 arm"
		le64   = "amd64 arm64 loong64 ppc64le riscv64"
		be64   = "ppc64 s390x"
		nobody = ""
	)
	for _, c := range []struct{ name, hex, want string }{
		{"one descriptor", "1400000000000000 01000000 01000000 05000000 00000000", le64},
		{"one descriptor", "0000000000000014 00000001 00000001 00000005 00000000", be64},
		{"one descriptor", "10000000 01000000 01000000 05000000", le32},
		{"one descriptor", "00000010 0000ffff 00000001 00000005", "mips"},
		{"one descriptor", "10000000 ffff0000 01000000 05000000", "mipsle"},
		{"one descriptor", "1400000000000000 ffff0000 01000000 05000000 00000000", "mips64le"},
		{"one descriptor", "0000000000000014 0000ffff 00000001 00000005 00000000", "mips64"},
		{"credentials cut short", "1800000000000000 01000000 02000000 92100000 e8030000", le64},
		{"a good one and a bad one", "10000000 01000000 01000000 05000000 ff000000 01000000 01000000", le32},
		{"another level", "00000010 00000029 00000008 00000040", "mips"},
		{"no byte", "", nobody},
		{"one byte", "14", nobody},
		{"zeros", "00000000000000000000000000000000", nobody},
		{"the longest length", "ffffffffffffffff ffffffff ffffffff", nobody},
	} {
		var groups []string
		for _, g := range Guess(unhex(t, c.hex)) {
			var names []string
			for _, a := range g {
				names = append(names, a.Name)
			}
			slices.Sort(names) // this machine's comes first
			groups = append(groups, strings.Join(names, " "))
		}
		if got := strings.Join(groups, "; "); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.name, c.hex, got, c.want)
		}
	}
}

// Whatever the text: it is read, or the place named that cannot be.
func FuzzParse(f *testing.F) {
	for _, text := range forms {
		f.Add(text)
	}
	f.Add("00000000  14 00  |..|\n*\n00000010")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Parse(text)
		if err != nil {
			var line, column int
			if n, _ := fmt.Sscanf(err.Error(), "line %d, column %d: ", &line, &column); n != 2 {
				t.Fatalf("no place in %q", err)
			}
			if line < 1 || line > 1+strings.Count(text, "\n") || column < 1 || column > len(text)+1 {
				t.Fatalf("%v, in %q", err, text)
			}
			return
		}
		again, err := Parse(hex.Dump(b))
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("% x became % x, %v", b, again, err)
		}
		Guess(b)
	})
}
