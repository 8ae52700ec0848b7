package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"example.com/fdpass/internal/decode"
)

// decoded runs the command on standard input.
func decoded(d decoder, stdin string, args ...string) (string, error) {
	var out strings.Builder
	d.in, d.out = strings.NewReader(stdin), &out
	err := d.run(args)
	return out.String(), err
}

func TestDoesDecodeSayWhichArchitecturesFit(t *testing.T) {
	want := `This makes sense for
  ppc64, s390x (64-bit big-endian)

24 bytes as ppc64 reads them: 64-bit big-endian

1. SCM_RIGHTS: 1 descriptor
  0000  00 00 00 00 00 00 00 14  size_t cmsg_len  20 = CMSG_LEN(4)
  0008  00 00 00 01              int cmsg_level   1 = SOL_SOCKET
  000c  00 00 00 01              int cmsg_type    1 = SCM_RIGHTS
  0010  00 00 00 05              int fd[0]        5
  0014  00 00 00 00              padding          room for one descriptor more
`
	if runtime.GOARCH == "s390x" { // this machine comes first
		want = strings.NewReplacer("ppc64, s390x", "s390x, ppc64", "as ppc64", "as s390x").Replace(want)
	}
	got, err := decoded(decoder{}, "", "0000000000000014", "00000001", "00000001", "00000005", "00000000")
	if err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

func TestWhereDoesDecodeReadFrom(t *testing.T) {
	const text = "00000000: 1000 0000 0100 0000 0100 0000 0500 0000  ................\n"
	file := filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := decoded(decoder{arch: "386"}, text)
	if err != nil || !strings.Contains(want, "fd[0]        5") {
		t.Fatalf("%v\n%s", err, want)
	}
	for _, c := range []struct {
		name  string
		d     decoder
		stdin string
		args  []string
	}{
		{"a file", decoder{arch: "386", file: file}, "", nil},
		{"standard input by name", decoder{arch: "386", file: "-"}, text, nil},
		{"an argument", decoder{arch: "386"}, "", []string{text}},
		{"arguments", decoder{arch: "386"}, "", []string{"10000000", "01000000", "01000000", "05000000"}},
	} {
		if got, err := decoded(c.d, c.stdin, c.args...); err != nil || got != want {
			t.Errorf("%s: %v\n%s", c.name, err, got)
		}
	}
}

func TestIsBadInputToDecodeRefusedWithItsPlace(t *testing.T) {
	for _, c := range []struct {
		name  string
		d     decoder
		stdin string
		args  []string
		want  string
	}{
		{"odd digits", decoder{}, "", []string{"14", "000"},
			"decode: arguments, line 1, column 6: an odd number of hex digits: '0' has no second one"},
		{"no digit", decoder{}, "1400\n0x", nil,
			`decode: standard input, line 1, column 1: "1400" is not a number from 0 to 255`},
		{"nothing", decoder{}, "", nil, "decode: at offset 0 (0x0000): the buffer is empty"},
		{"a byte", decoder{arch: "arm"}, "14", nil,
			"decode: at offset 0 (0x0000): only 1 byte left, too few for a header of 12"},
		{"the longest length", decoder{arch: "amd64"}, "ffffffffffffffff 01000000 01000000", nil,
			"decode: at offset 0 (0x0000): cmsg_len is 18446744073709551615, and only 16 bytes left"},
		{"no file", decoder{file: "/no/such/file"}, "", nil,
			"decode: open /no/such/file: no such file or directory"},
	} {
		_, err := decoded(c.d, c.stdin, c.args...)
		var usage usageError
		if err == nil || errors.As(err, &usage) || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	for name, d := range map[string]decoder{
		"an unknown architecture": {arch: "vax"},
		"two sources":             {file: "-"},
	} {
		_, err := decoded(d, "", "14")
		var usage usageError
		if !errors.As(err, &usage) {
			t.Errorf("%s: %v, want a usage error", name, err)
		}
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestDoesDecodeStopReading(t *testing.T) {
	for name, in := range map[string]io.Reader{
		"100 MB of zero bytes": io.LimitReader(zeros{}, 100<<20),
		"without an end":       zeros{},
	} {
		err := (&decoder{in: in, out: io.Discard}).run(nil)
		const want = "more than 4194304 bytes of text; no control buffer is that long"
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// As much as is read: the output is for a person all the same.
	got, err := decoded(decoder{}, strings.Repeat("00", decode.MaxBuffer))
	if err == nil || len(got) > 2000 {
		t.Errorf("%d bytes of output, %v", len(got), err)
	}
}

func TestIsDecodesJSONComplete(t *testing.T) {
	for _, c := range []struct {
		text   string
		suits  int
		failed bool
	}{
		{"10000000 01000000 01000000 05000000", 2, false},
		{"10000000 01000000 01000000 05000000 ff", 2, true},
		{"", 0, true},
	} {
		text, err := decoded(decoder{json: true}, c.text)
		var got struct {
			Suits []string
			decode.Report
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(got.Suits) != c.suits || (got.Error != nil) != c.failed || (err != nil) != c.failed {
			t.Errorf("%q: %v, %v\n%s", c.text, got.Error, err, text)
		}
	}
}
