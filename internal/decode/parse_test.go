package decode

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/fdpass/internal/abi"
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
	"xxd -e": `00000000: 00000014 00000000 00000001 00000001  ................
00000010: 00000005 00000000                    ........
`,
	"xxd -g 4": `00000000: 14000000 00000000 01000000 01000000  ................
00000010: 05000000 00000000                    ........
`,
	"od": `0000000 000024 000000 000000 000000 000001 000000 000001 000000
0000020 000005 000000 000000 000000
0000030
`,
	"od -tx1": `0000000 14 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00
0000020 05 00 00 00 00 00 00 00
0000030
`,
	"od -x": `0000000 0014 0000 0000 0000 0001 0000 0001 0000
0000020 0005 0000 0000 0000
0000030
`,
	"od -tx1z": `0000000 14 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00  >................<
0000020 05 00 00 00 00 00 00 00                          >........<
0000030
`,
	"od -c": `0000000 024  \0  \0  \0  \0  \0  \0  \0 001  \0  \0  \0 001  \0  \0  \0
0000020 005  \0  \0  \0  \0  \0  \0  \0
0000030
`,
	"od -tu1": `0000000  20   0   0   0   0   0   0   0   1   0   0   0   1   0   0   0
0000020   5   0   0   0   0   0   0   0
0000030
`,
	"od -b": `0000000 024 000 000 000 000 000 000 000 001 000 000 000 001 000 000 000
0000020 005 000 000 000 000 000 000 000
0000030
`,
	"od -Ax -tx1": `000000 14 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00
000010 05 00 00 00 00 00 00 00
000018
`,
	"od -An -tx1": ` 14 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00
 05 00 00 00 00 00 00 00
`,
	"od -tx8": `0000000 0000000000000014 0000000100000001
0000020 0000000000000005
0000030
`,
	"od on a big-endian machine": `0000000 012000 000000 000000 000000 000400 000000 000400 000000
0000020 002400 000000 000000 000000
0000030
`,
	"hexdump": `0000000 0014 0000 0000 0000 0001 0000 0001 0000
0000010 0005 0000 0000 0000                    
0000018
`,
	"hexdump -d": `0000000   00020   00000   00000   00000   00001   00000   00001   00000
0000010   00005   00000   00000   00000                                
0000018
`,
	"gdb's x/24xb": `0x555555558010 <c>:	0x14	0x00	0x00	0x00	0x00	0x00	0x00	0x00
0x555555558018 <c+8>:	0x01	0x00	0x00	0x00	0x01	0x00	0x00	0x00
0x555555558020 <c+16>:	0x05	0x00	0x00	0x00	0x00	0x00	0x00	0x00
`,
	"gdb's x/6xw": `0x7fffffffe010:	0x00000014	0x00000000	0x00000001	0x00000001
0x7fffffffe020:	0x00000005	0x00000000
`,
	"gdb's x/3xg": `0x555555558010 <c>:	0x0000000000000014	0x0000000100000001
0x555555558020 <c+16>:	0x0000000000000005
`,
	"gdb's x/24ub": `0x555555558060 <u>:	20	0	0	0	0	0	0	0
0x555555558068 <u+8>:	1	0	0	0	1	0	0	0
0x555555558070 <u+16>:	5	0	0	0	0	0	0	0
`,
	"gdb's x/8c and more": `0x555555558010 <c>:	20 '\024'	0 '\000'	0 '\000'	0 '\000'	0 '\000'	0 '\000'	0 '\000'	0 '\000'
0x555555558018 <c+8>:	1 '\001'	0 '\000'	0 '\000'	0 '\000'	1 '\001'	0 '\000'	0 '\000'	0 '\000'
0x555555558020 <c+16>:	5 '\005'	0 '\000'	0 '\000'	0 '\000'	0 '\000'	0 '\000'	0 '\000'	0 '\000'
`,
	"gdb's p":   `$3 = "\024\000\000\000\000\000\000\000\001\000\000\000\001\000\000\000\005", '\000' <repeats 7 times>`,
	"gdb's p/x": `$4 = {0x14, 0x0 <repeats 7 times>, 0x1, 0x0, 0x0, 0x0, 0x1, 0x0, 0x0, 0x0, 0x5, 0x0 <repeats 7 times>}`,
	"gdb's p/c": `$7 = {20 '\024', 0 '\000' <repeats 7 times>, 1 '\001', 0 '\000', 0 '\000', 0 '\000', 1 '\001', 0 '\000',
  0 '\000', 0 '\000', 5 '\005', 0 '\000' <repeats 7 times>}`,
	"a string without quotes": `\x14\x00\0\0\0\0\0\0\1\0\0\0\x01\x00\x00\x00\5\0\0\0\0\0\0\0`,
	"a C declaration":         `char buf[24] = "\24\0\0\0\0\0\0\0" "\1\0\0\0\1\0\0\0\5\0\0\0\0\0\0\0";`,
	"a list in Python":        "[20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]",
	"a slice in Go":           "[20 0 0 0 0 0 0 0 1 0 0 0 1 0 0 0 5 0 0 0 0 0 0 0]",
	"decimal numbers":         "20 0 0 0 0 0 0 0 1 0 0 0 1 0 0 0 5 0 0 0 0 0 0 0",
	"the bytes themselves":    rights,
	"a C array":               "{20, 0,0,0,0,0,0,0, 1,0,0,0, 0X01,0,0,0, 05,0,0,0, 0,0,0,0,}",
	"bare numbers":            "0x14 " + strings.Repeat("0x0 ", 7) + "0x1 0 0 0 0x1 0 0 0 0x5 0 0 0 0 0 0 0",
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

// straceForms are what strace prints for the same message. They have no bytes of
// their own: which these are depends on the architecture.
var straceForms = map[string]string{
	"the call": `recvmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="x", iov_len=64}], msg_iovlen=1, ` +
		`msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}], msg_controllen=24, msg_flags=0}, 0) = 1`,
	"-f -o": `8557  sendmsg(12, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="x", iov_len=1}], msg_iovlen=1, ` +
		`msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}], msg_controllen=24, msg_flags=0}, MSG_DONTWAIT|MSG_NOSIGNAL) = 1`,
	"-f": `[pid  8557] sendmsg(12, {msg_iov=[{iov_base="|", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, ` +
		`cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}], msg_controllen=24, msg_flags=0}, 0) = 1`,
	"-y":              `msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5<socket:[4711]>]}]`,
	"-y, deleted":     `msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5</tmp/a, 6>(deleted)]}]`,
	"-yy":             `msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5<UNIX-STREAM:[4711->4712]>]}]`,
	"-yy, a terminal": `msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5</dev/pts/0<char 136:0>>]}]`,
}

func TestAreStracesFormsRead(t *testing.T) {
	for name, text := range straceForms {
		for _, text := range []string{text, text + "\r\n"} {
			got, err := ParseFor(arch(t, "amd64"), text)
			if err != nil || string(got) != rights {
				t.Errorf("%s: % x, %v", name, got, err)
			}
		}
	}
}

// A length of 20 is any 64-bit architecture's: this machine's if it is one, else
// that of amd64, the first in the list.
func TestWhoseBytesAreStracesMessages(t *testing.T) {
	a := abi.Native()
	if a.Word == 4 {
		a = arch(t, "amd64")
	}
	want := a.AppendRights(nil, a.SOLSocket, []int{5})
	got, err := Parse(straceForms["the call"])
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: % x, %v, want % x", a.Name, got, err, want)
	}
}

// native64 returns the length that this machine would have.
func native64(on32, on64 int) string {
	a := abi.Native()
	if a.Word == 4 {
		on64 = on32
	}
	return fmt.Sprintf("%s has %d", a.Name, on64)
}

// strace prints no bytes. They are what the kernel of the architecture has.
func TestAreStracesMessagesPutTogether(t *testing.T) {
	const line = `[{cmsg_len=%d, cmsg_level=SOL_SOCKET, cmsg_type=SCM_CREDENTIALS, cmsg_data={pid=4242, uid=1000, gid=1001}}, ` +
		`{cmsg_len=%d, cmsg_level=SOL_SOCKET, cmsg_type=SO_TIMESTAMP_OLD, cmsg_data={tv_sec=1800000000, tv_usec=500000}}, ` +
		`{cmsg_len=%d, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5</tmp/x>, 6<socket:[1]>, -24]}, ` +
		`{cmsg_len=%d, cmsg_level=SOL_SOCKET, cmsg_type=0x3, cmsg_data="a\\"b\\0"}], msg_controllen=1000`
	for _, a := range abi.All {
		timeval := wordBytes(a, 1800000000, a.Word)
		timeval = append(timeval, wordBytes(a, 500000, a.Word)...)
		var ucred []byte
		for _, n := range []uint64{4242, 1000, 1001} {
			ucred = append(ucred, wordBytes(a, n, 4)...)
		}
		want := a.Append(nil, a.SOLSocket, abi.SCM_CREDENTIALS, ucred)
		want = a.Append(want, a.SOLSocket, abi.SCM_TIMESTAMP, timeval)
		want = a.AppendRights(want, a.SOLSocket, []int{5, 6, -24})
		want = a.Append(want, a.SOLSocket, abi.SCM_SECURITY, []byte("a\"b\x00"))
		text := fmt.Sprintf(strings.ReplaceAll(line, `\\`, `\`), a.Len(12), a.Len(2*a.Word), a.Len(12),
			a.Len(4))
		got, err := ParseFor(a, text)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n% x\nwant\n% x", a.Name, err, got, want)
		}
		// Without a name it is one of the same word size.
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
}

// One descriptor in words of two bytes, of mips: only -arch can tell it from others.
func TestWhoseBytesAreWordsOfAKnownArchitecture(t *testing.T) {
	const text = "0000000 0000 0010 0000 ffff 0000 0001 0000 0005\n0000020\n"
	const want = "\x00\x00\x00\x10\x00\x00\xff\xff\x00\x00\x00\x01\x00\x00\x00\x05"
	if got, err := ParseFor(arch(t, "mips"), text); err != nil || string(got) != want {
		t.Errorf("% x, %v, want % x", got, err, want)
	}
}

func TestWhereIsATextWrong(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"00000000: 00000010 0000ffff 00000001 00000005  ................",
			"line 1, column 1: groups of 4 bytes: " +
				"xxd -e turns them around and xxd -g 4 does not, and which of them it was does not show; use xxd without -e"},
		{"00000000: 0000000000000014 0000000100000001  ................\n" +
			"00000010: 0000000000000005                   ........", "line 1, column 1: groups of 8 bytes: " +
			"xxd -e turns them around and xxd -g 8 does not, and which of them it was does not show; use xxd without -e"},
		{"00000000: 00010100 00000000 00000000 00000000 00000000 00000000  ......\n" +
			"00000006: 00000000 00000000                                      ..",
			"line 1, column 11: binary digits, as xxd -b prints them; use xxd without -b"},
		{"0000000 14 00\n0000003", "line 2, column 1: offset 0000003, and 2 should follow"},
		{"0000000 14 00\nx", "line 2, column 1: no offset, as the lines before have"},
		{"0000000 1400000", "line 1, column 1: words of 7 digits"},
		{"0000000 14 0g", `line 1, column 1: "0g" is not a number of 1 byte`},
		{"0x10:\t0x14\nx", "line 2, column 1: no address, as the lines before have"},
		{`$1 = "\024\000"...`,
			"line 1, column 16: gdb left out the rest of the string: set print elements 0"},
		{"$1 = {0x14, 0x0...}", `line 1, column 13: "0x0..." is not a number from 0 to 255`},
		{`"a" <repeats 999999 times>`, "line 1, column 5: more than 262144 bytes"},
		{"{cmsg_len=21, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}",
			"line 1, column 11: cmsg_len is 21, and with 4 bytes of data " + native64(16, 20)},
		{"{cmsg_len=20, cmsg_level=SOL_X, cmsg_type=SCM_RIGHTS, cmsg_data=[5]}",
			"line 1, column 26: unknown cmsg_level SOL_X"},
		{"{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_X, cmsg_data=[5]}",
			"line 1, column 48: unknown cmsg_type SCM_X"},
		{"{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[5, ...]}",
			"line 1, column 74: strace left out the rest of the list: give it a larger -s, or -v"},
		{"cmsg_len=20",
			"line 1, column 1: not a control message as strace prints it: {cmsg_len=…, cmsg_level=…, cmsg_type=…"},
		{"sendmsg(3, {msg_control=[{cmsg_len=16, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS}]}, 0) = 1\n" +
			"sendmsg(3, {msg_control=[{cmsg_len=16, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS}]}, 0) = 1",
			"line 2, column 13: a second control buffer, where one is read at a time"},
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
		{"00000000  14 00  |..|\n*\n",
			"line 2, column 1: no line follows to say how often the one before is repeated"},
		{"00000000  14 00  |..|\n*\n00000003", "line 3, column 1: offset 0x3, and 0x2 should follow"},
		{"00000000  14 00  |..|\n*\n7ffffffe", "line 3, column 1: more than 262144 bytes"},
		{"00000000  14 00  |..|\n*\nffffffffffffffff",
			"line 3, column 1: the offset ffffffffffffffff is too large"},
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
	for _, text := range straceForms {
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
