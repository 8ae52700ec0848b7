package decode

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/lines"
)

func arch(t testing.TB, name string) abi.Arch {
	t.Helper()
	a, err := abi.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// unhex returns the bytes that a person typed in hex.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// write explains buf to w. The error is w's, or an [*Error] that says where buf
// stops making sense, which w has been given, too.
func write(w io.Writer, a abi.Arch, buf []byte) error {
	r := Explain(a, buf)
	if err := r.WriteText(w); err != nil {
		return err
	}
	if r.Error != nil {
		return r.Error
	}
	return nil
}

func TestWhatDoesABufferMean(t *testing.T) {
	for _, c := range []struct{ name, arch, hex, want string }{
		{"credentials and one descriptor", "amd64", `
			1c00000000000000 01000000 02000000 92100000 e8030000 e9030000 00000000
			1400000000000000 01000000 01000000 05000000 00000000`, `
56 bytes as amd64 reads them: 64-bit little-endian

1. SCM_CREDENTIALS: process 4242, user 1000, group 1001
  0000  1c 00 00 00 00 00 00 00  size_t cmsg_len  28 = CMSG_LEN(12)
  0008  01 00 00 00              int cmsg_level   1 = SOL_SOCKET
  000c  02 00 00 00              int cmsg_type    2 = SCM_CREDENTIALS
  0010  92 10 00 00              __u32 pid        4242
  0014  e8 03 00 00              __u32 uid        1000
  0018  e9 03 00 00              __u32 gid        1001
  001c  00 00 00 00              padding

2. SCM_RIGHTS: 1 descriptor
  0020  14 00 00 00 00 00 00 00  size_t cmsg_len  20 = CMSG_LEN(4)
  0028  01 00 00 00              int cmsg_level   1 = SOL_SOCKET
  002c  01 00 00 00              int cmsg_type    1 = SCM_RIGHTS
  0030  05 00 00 00              int fd[0]        5
  0034  00 00 00 00              padding          room for one descriptor more
`},
		{"the same on 32 bits has no padding", "386", `
			18000000 01000000 02000000 92100000 e8030000 e9030000
			10000000 01000000 01000000 05000000`, `
40 bytes as 386 reads them: 32-bit little-endian

1. SCM_CREDENTIALS: process 4242, user 1000, group 1001
  0000  18 00 00 00              size_t cmsg_len  24 = CMSG_LEN(12)
  0004  01 00 00 00              int cmsg_level   1 = SOL_SOCKET
  0008  02 00 00 00              int cmsg_type    2 = SCM_CREDENTIALS
  000c  92 10 00 00              __u32 pid        4242
  0010  e8 03 00 00              __u32 uid        1000
  0014  e9 03 00 00              __u32 gid        1001

2. SCM_RIGHTS: 1 descriptor
  0018  10 00 00 00              size_t cmsg_len  16 = CMSG_LEN(4)
  001c  01 00 00 00              int cmsg_level   1 = SOL_SOCKET
  0020  01 00 00 00              int cmsg_type    1 = SCM_RIGHTS
  0024  05 00 00 00              int fd[0]        5
`},
		{"a time, and a slot without a descriptor", "s390x", `
			0000000000000020 00000001 00000023 000000006b49d200 000000001dcd6500
			0000000000000018 00000001 00000001 00000007 ffffffe8`, `
56 bytes as s390x reads them: 64-bit big-endian

1. SCM_TIMESTAMPNS: 2027-01-15 08:00:00.5 UTC
  0000  00 00 00 00 00 00 00 20  size_t cmsg_len  32 = CMSG_LEN(16)
  0008  00 00 00 01              int cmsg_level   1 = SOL_SOCKET
  000c  00 00 00 23              int cmsg_type    35 = SCM_TIMESTAMPNS
  0010  00 00 00 00 6b 49 d2 00  long tv_sec      1800000000
  0018  00 00 00 00 1d cd 65 00  long tv_nsec     500000000

2. SCM_RIGHTS: 2 descriptors
  0020  00 00 00 00 00 00 00 18  size_t cmsg_len  24 = CMSG_LEN(8)
  0028  00 00 00 01              int cmsg_level   1 = SOL_SOCKET
  002c  00 00 00 01              int cmsg_type    1 = SCM_RIGHTS
  0030  00 00 00 07              int fd[0]        7
  0034  ff ff ff e8              int fd[1]        -24 = EMFILE, no descriptor
`},
		{"a label, a pidfd that failed, bytes left, unused room", "mips", `
			00000012 0000ffff 00000003 6c6162656c00 aaaa
			00000010 0000ffff 00000004 ffffffe8
			00000010 0000ffff 00000054 00000009
			0000000000`, `
57 bytes as mips reads them: 32-bit big-endian

1. SCM_SECURITY: "label"
  0000  00 00 00 12              size_t cmsg_len  18 = CMSG_LEN(6)
  0004  00 00 ff ff              int cmsg_level   65535 = SOL_SOCKET
  0008  00 00 00 03              int cmsg_type    3 = SCM_SECURITY
  000c  6c 61 62 65 6c 00        char label[]     |label.|
  0012  aa aa                    padding          not zero, left as it was

2. SCM_PIDFD: no pidfd
  0014  00 00 00 10              size_t cmsg_len  16 = CMSG_LEN(4)
  0018  00 00 ff ff              int cmsg_level   65535 = SOL_SOCKET
  001c  00 00 00 04              int cmsg_type    4 = SCM_PIDFD
  0020  ff ff ff e8              int pidfd        -24 = EMFILE, no descriptor

3. SCM_INQ: 9 bytes left to read
  0024  00 00 00 10              size_t cmsg_len  16 = CMSG_LEN(4)
  0028  00 00 ff ff              int cmsg_level   65535 = SOL_SOCKET
  002c  00 00 00 54              int cmsg_type    84 = SCM_INQ
  0030  00 00 00 09              int inq          9

  0034  00 00 00 00 00           unused
`},
		{"three times, the last of which is set", "mipsle", `
			24000000 ffff0000 25000000 00000000 00000000 00000000 00000000 00d2496b 01000000`, `
36 bytes as mipsle reads them: 32-bit little-endian

1. SCM_TIMESTAMPING: 2027-01-15 08:00:00.000000001 UTC, by the hardware
  0000  24 00 00 00              size_t cmsg_len     36 = CMSG_LEN(24)
  0004  ff ff 00 00              int cmsg_level      65535 = SOL_SOCKET
  0008  25 00 00 00              int cmsg_type       37 = SCM_TIMESTAMPING
  000c  00 00 00 00              long ts[0].tv_sec   0
  0010  00 00 00 00              long ts[0].tv_nsec  0
  0014  00 00 00 00              long ts[1].tv_sec   0
  0018  00 00 00 00              long ts[1].tv_nsec  0
  001c  00 d2 49 6b              long ts[2].tv_sec   1800000000
  0020  01 00 00 00              long ts[2].tv_nsec  1
`},
		{"credentials that the kernel cut", "amd64", `
			1800000000000000 01000000 02000000 92100000 e8030000`, `
24 bytes as amd64 reads them: 64-bit little-endian

1. SCM_CREDENTIALS: cut short
  0000  18 00 00 00 00 00 00 00  size_t cmsg_len  24 = CMSG_LEN(8)
  0008  01 00 00 00              int cmsg_level   1 = SOL_SOCKET
  000c  02 00 00 00              int cmsg_type    2 = SCM_CREDENTIALS
  0010  92 10 00 00              __u32 pid        4242
  0014  e8 03 00 00              __u32 uid        1000
  ! truncated: 8 of the 12 bytes of struct ucred
`},
		{"a level of another family", "mips64le", `
			1400000000000000 01000000 01000000 05000000 00000000`, `
24 bytes as mips64le reads them: 64-bit little-endian

1. level 1, type 1: 4 bytes
  0000  14 00 00 00 00 00 00 00  size_t cmsg_len  20 = CMSG_LEN(4)
  0008  01 00 00 00              int cmsg_level   1
  000c  01 00 00 00              int cmsg_type    1
  0010  05 00 00 00              data             |....|
  0014  00 00 00 00              padding
  ! level 1 is SOL_SOCKET elsewhere; on MIPS it is 65535
`},
	} {
		var b bytes.Buffer
		if err := write(&b, arch(t, c.arch), unhex(t, c.hex)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if want := strings.TrimPrefix(c.want, "\n"); b.String() != want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, b.String(), want)
		}
	}
}

func TestWhereDoesABufferStopMakingSense(t *testing.T) {
	for _, c := range []struct {
		name, arch, hex string
		at              int
		reason          string
	}{
		{"no byte", "amd64", "", 0, "the buffer is empty"},
		{"one byte", "amd64", "14", 0, "only 1 byte left, too few for a header of 16"},
		{"half a header", "386", "1000000001000000", 0, "only 8 bytes left, too few for a header of 12"},
		{"nothing but zeros", "386", "000000000000000000000000", 0,
			"cmsg_len is 0, less than its own header of 12 bytes"},
		{"the longest length", "amd64", "ffffffffffffffff 01000000 01000000", 0,
			"cmsg_len is 18446744073709551615, and only 16 bytes left"},
		{"the longest length that is positive", "s390x", "7fffffffffffffff 00000001 00000001", 0,
			"cmsg_len is 9223372036854775807, and only 16 bytes left"},
		{"the longest length on 32 bits", "mips", "ffffffff 0000ffff 00000001 00000001", 0,
			"cmsg_len is 4294967295, and only 16 bytes left"},
		{"one byte too long", "386", "11000000 01000000 01000000 05000000", 0,
			"cmsg_len is 17, and only 16 bytes left: C and gdb do not show a string's last NUL"},
		{"shorter than itself", "amd64", "0f00000000000000 01000000 01000000", 0,
			"cmsg_len is 15, less than its own header of 16 bytes"},
		{"after a good one", "386", "10000000 01000000 01000000 05000000 0b000000 01000000 01000000", 16,
			"cmsg_len is 11, less than its own header of 12 bytes"},
		{"a tail", "386", "10000000 01000000 01000000 05000000 000001", 16,
			"only 3 bytes left, too few for a header of 12"},
	} {
		var b bytes.Buffer
		err := write(&b, arch(t, c.arch), unhex(t, c.hex))
		var e *Error
		if !errors.As(err, &e) || e.Offset != c.at || e.Reason != c.reason {
			t.Errorf("%s: %v, want at %d: %s", c.name, err, c.at, c.reason)
		} else if !strings.HasSuffix(b.String(), "\n  ! "+err.Error()+"\n") {
			t.Errorf("%s: the text does not end with the error:\n%s", c.name, b.String())
		}
	}
}

func TestDoesAFailingWriterShow(t *testing.T) {
	r, w := io.Pipe()
	r.Close()
	if err := write(w, arch(t, "386"), nil); err != io.ErrClosedPipe {
		t.Errorf("%v", err)
	}
}

func TestIsJSONOfTheSameStory(t *testing.T) {
	r := Explain(arch(t, "amd64"), unhex(t, "1400000000000000 01000000 01000000 05000000 00000000 01"))
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"arch":"amd64","kind":"64-bit little-endian","size":25,"messages":[` +
		`{"name":"SCM_RIGHTS","summary":"1 descriptor","fields":[` +
		`{"offset":0,"size":8,"type":"size_t","name":"cmsg_len","value":20,"note":"CMSG_LEN(4)"},` +
		`{"offset":8,"size":4,"type":"int","name":"cmsg_level","value":1,"note":"SOL_SOCKET"},` +
		`{"offset":12,"size":4,"type":"int","name":"cmsg_type","value":1,"note":"SCM_RIGHTS"},` +
		`{"offset":16,"size":4,"type":"int","name":"fd[0]","value":5},` +
		`{"offset":20,"size":4,"name":"padding","note":"room for one descriptor more"}]}],` +
		`"rest":[{"offset":24,"size":1,"name":"unread"}],` +
		`"error":{"offset":24,"reason":"only 1 byte left, too few for a header of 16"}}`
	if string(b) != want {
		t.Errorf("%s\nwant\n%s", b, want)
	}
}

// A buffer of many messages, of one message with very many descriptors, and
// of bytes without meaning: the text stays short, and says what it leaves out.
func TestDoesALongBufferFlood(t *testing.T) {
	a := arch(t, "amd64")
	const n = 1 << 20
	empty := a.Append(nil, 1, abi.SCM_RIGHTS, nil)
	for name, buf := range map[string][]byte{
		"more than 256 messages":                    bytes.Repeat(empty, n/len(empty)),
		"the kernel passes 253 descriptors at most": a.Append(nil, 1, abi.SCM_RIGHTS, make([]byte, n)),
		"bytes more":    a.Append(nil, 1, 1000, make([]byte, n)),
		"cmsg_len is 0": make([]byte, n),
	} {
		var b bytes.Buffer
		write(&b, a, buf)
		if !strings.Contains(b.String(), name) || b.Len() > 100_000 {
			t.Errorf("%q: %d bytes of text, which end in %q", name, b.Len(), b.String()[max(0, b.Len()-200):])
		}
	}
}

func TestWhatTimeIsIt(t *testing.T) {
	const wrong = "not a time from 1970 to 9999"
	for _, c := range []struct {
		sec, frac int64
		unit      time.Duration
		want      string
	}{
		{0, 0, time.Nanosecond, "1970-01-01 00:00:00 UTC"},
		{1800000000, 999999, time.Microsecond, "2027-01-15 08:00:00.999999 UTC"},
		{1800000000, 1000000, time.Microsecond, wrong},
		{1800000000, -1, time.Nanosecond, wrong},
		{-1, 0, time.Nanosecond, wrong},
		{253402300799, 999999999, time.Nanosecond, "9999-12-31 23:59:59.999999999 UTC"},
		{253402300800, 0, time.Nanosecond, wrong},
		{1<<63 - 1, 1<<63 - 1, time.Nanosecond, wrong},
	} {
		if got := moment(c.sec, c.frac, c.unit); got != c.want {
			t.Errorf("%d, %d: %s, want %s", c.sec, c.frac, got, c.want)
		}
	}
}

// Whatever the bytes: every one of them belongs to one field, the text is text
// and says no more than a person can read, and JSON can say it.
func FuzzExplain(f *testing.F) {
	for i, a := range abi.All {
		b := a.Append(nil, a.SOLSocket, abi.SCM_TIMESTAMP, make([]byte, 2*a.Word))
		b = a.Append(b, a.SOLSocket, abi.SCM_CREDENTIALS, make([]byte, 12))
		b = a.AppendRights(b, a.SOLSocket, []int{3, 4, 5})
		b = a.Append(b, a.SOLSocket, abi.SCM_PIDFD, []byte{1, 2, 3})
		f.Add(byte(i), b)
		f.Add(byte(i), b[:len(b)-9])
		f.Add(byte(i), append(a.Append(b, 1, 1000, []byte("x")), 0xff))
		f.Add(byte(i), a.Append(nil, a.SOLSocket, abi.SCM_SECURITY, make([]byte, 60)))
		f.Add(byte(i), a.Append(nil, a.SOLSocket, abi.SCM_SECURITY, bytes.Repeat([]byte{1, 0xff}, 30)))
		f.Add(byte(i), binary.NativeEndian.AppendUint64(b, 1<<64-1))
	}
	f.Fuzz(func(t *testing.T, i byte, buf []byte) {
		r := Explain(abi.All[int(i)%len(abi.All)], buf)
		sameStory(t, r, Outline(r.arch, buf))
		end := 0
		for _, fields := range append(fieldsOf(r), r.Rest) {
			for _, f := range fields {
				if f.Offset != end || f.Size <= 0 {
					t.Fatalf("%+v, and the one before ends at %d", f, end)
				}
				end += f.Size
			}
		}
		if end != len(buf) {
			t.Fatalf("%d of %d bytes explained", end, len(buf))
		}
		if r.Error != nil && (r.Error.Offset < 0 || r.Error.Offset > len(buf)) {
			t.Fatalf("%v, in a buffer of %d bytes", r.Error, len(buf))
		}
		var text bytes.Buffer
		r.WriteText(&text)
		for line := range lines.Of(text.String()) {
			if utf8.RuneCountInString(line) > 81 && !strings.Contains(line, "!") {
				t.Fatalf("%d columns: %s", utf8.RuneCountInString(line)-1, line)
			}
		}
		if !utf8.Valid(text.Bytes()) || text.Len() > 400+90*3*len(buf) {
			t.Fatalf("%d bytes of text for %d", text.Len(), len(buf))
		}
		if b, err := json.Marshal(r); err != nil || !json.Valid(b) {
			t.Fatal(err)
		}
	})
}

// sameStory checks that an outline says what the explanation says.
func sameStory(t *testing.T, r, outline *Report) {
	t.Helper()
	short := slices.Clone(r.Messages)
	for i := range short {
		short[i] = Message{Name: short[i].Name, Summary: short[i].Summary}
	}
	if !reflect.DeepEqual(outline.Messages, short) || !reflect.DeepEqual(outline.Error, r.Error) {
		t.Fatalf("the outline is %+v, %v, want %+v, %v", outline.Messages, outline.Error, short, r.Error)
	}
}

func fieldsOf(r *Report) (all [][]Field) {
	for _, m := range r.Messages {
		all = append(all, m.Fields)
	}
	return all
}

func TestWhatDoesAHintSay(t *testing.T) {
	for _, c := range []struct{ name, arch, hex, want string }{
		{"CMSG_SPACE in cmsg_len", "amd64", "1800000000000000 01000000 01000000 05000000 00000000",
			"is cmsg_len CMSG_SPACE(4), not CMSG_LEN, by mistake? It sends descriptor 0"},
		{"and with three", "s390x",
			"0000000000000020 00000001 00000001 00000005 00000006 00000007 00000000", "CMSG_SPACE(12)"},
		{"two real ones", "amd64", "1800000000000000 01000000 01000000 05000000 06000000", ""},
		{"descriptor 0 at another place", "amd64",
			"1c00000000000000 01000000 01000000 05000000 06000000 00000000 00000000", ""},
		{"no padding on 32 bits", "386", "14000000 01000000 01000000 05000000 00000000", ""},
		{"the last NUL in the padding", "amd64", "1400000000000000 01000000 01000000 05000000 000000",
			"one byte of padding is missing: " + missingNUL},
		{"no padding at all", "amd64", "1400000000000000 01000000 01000000 05000000", ""},
		{"the last NUL in the data", "386", "10000000 01000000 01000000 050000",
			"and only 15 bytes left: " + missingNUL},
	} {
		var b bytes.Buffer
		write(&b, arch(t, c.arch), unhex(t, c.hex))
		_, note, _ := strings.Cut(b.String(), "  ! ")
		if !strings.Contains(note, c.want) || (note == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q\n%s", c.name, note, c.want, b.String())
		}
	}
	groups := WithNUL(unhex(t, "10000000 01000000 01000000 050000"))
	if len(groups) != 1 || len(groups[0]) != 2 {
		t.Errorf("the last NUL is missing on 386 and arm: %v", groups)
	}
	for _, s := range []string{"10000000 01000000 01000000 05000000", "00", "ffffff"} {
		if groups := WithNUL(unhex(t, s)); groups != nil {
			t.Errorf("%s: nothing is missing, %v", s, groups)
		}
	}
}

func TestIsEveryErrnoNamed(t *testing.T) {
	for errno, want := range map[int64]string{
		1: "EPERM", 9: "EBADF", 22: "EINVAL", 23: "ENFILE", 24: "EMFILE", 34: "ERANGE",
	} {
		if got := noDescriptor(errno); got != want+", no descriptor" {
			t.Errorf("%d is %s", errno, got)
		}
	}
	for _, errno := range []int64{35, 1 << 31} {
		if got := noDescriptor(errno); got != "no descriptor" {
			t.Errorf("%d is %s", errno, got)
		}
	}
}
