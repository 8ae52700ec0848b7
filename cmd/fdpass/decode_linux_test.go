package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
)

// oneRight is a control buffer with the descriptor 5, as amd64 has it.
const oneRight = "\x14\x00\x00\x00\x00\x00\x00\x00" +
	"\x01\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00"

// oneRightHex is the same in hex.
const oneRightHex = "1400000000000000 01000000 01000000 05000000 00000000"

// What these programs really print is read, with the programs that are there.
func TestDoesDecodeReadWhatProgramsPrint(t *testing.T) {
	fdtest.NoLeak(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "buffer")
	if err := os.WriteFile(file, []byte(oneRight), 0o600); err != nil {
		t.Fatal(err)
	}
	want := startFdpass(t, "decode", "-arch", "amd64", oneRightHex).succeed()
	for program, options := range map[string][]string{
		"cat": {""},
		"xxd": {"", "-e", "-p", "-i", "-g 1", "-g 4", "-c 8", "-u", "-e -c 24", "-e -g 2"},
		"od": {"", "-x", "-b", "-c", "-tx1", "-tx1z", "-tx2", "-tx4", "-tx8", "-tu1",
			"-An -tx1", "-Ax -tx1", "-Ad -tx1", "-v -to4"},
		"hexdump": {"", "-C", "-x", "-b", "-c", "-d", "-o", "-v"},
	} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Logf("no %s: apt-get install xxd bsdextrautils", program)
			continue
		}
		for _, option := range options {
			args := append(strings.Fields(option), file)
			out, err := exec.CommandContext(fdtest.Context(t), path, args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s %s: %v\n%s", program, option, err, out)
			}
			p := fdpassCommand(t, "decode", "-arch", "amd64")
			p.Stdin = strings.NewReader(string(out))
			p.begin()
			if got := p.succeed(); got != want {
				t.Errorf("%s %s prints\n%s\nand that is\n%s", program, option, out, got)
			}
		}
	}
}

func TestDoesDecodeReadWhatGdbPrints(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "gdb cannot trace there")
	fdtest.NoLeak(t)
	gdb, err := exec.LookPath("gdb")
	if err != nil {
		t.Skip("no gdb: apt-get install gdb")
	}
	want := startFdpass(t, "decode", "-arch", "amd64", oneRightHex).succeed()
	// gdb has a value of its own, and needs no program to look at.
	const array = "(char[25])\"\\024\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\1\\0\\0\\0\\5\\0\\0\\0\\0\\0\\0\\0\""
	for _, print := range []string{"p/x ", "p/d ", "p/c "} {
		args := []string{"-nx", "-batch", "-ex", "set print elements 24", "-ex", print + array}
		out, err := exec.CommandContext(fdtest.Context(t), gdb, args...).Output()
		if err != nil || !strings.HasPrefix(string(out), "$1 = {") {
			t.Fatalf("gdb: %v\n%s", err, out)
		}
		text := strings.ReplaceAll(string(out), "...", "") // the literal's own NUL
		p := fdpassCommand(t, "decode", "-arch", "amd64")
		p.Stdin = strings.NewReader(text)
		p.begin()
		if got := p.succeed(); got != want {
			t.Errorf("%s: %s is\n%s", print, text, got)
		}
	}
}

func TestDoesDecodeReadWhatStracePrints(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "strace cannot trace there")
	fdtest.NoLeak(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace: apt-get install strace")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	p := fdpassCommand(t, "demo")
	traced := append([]string{p.Path}, p.Args[1:]...)
	p.Args = append([]string{"strace", "-f", "-y", "-e", "trace=sendmsg", "-o", trace}, traced...)
	p.Path = strace
	p.begin()
	if code := p.end(); code != 0 {
		t.Skipf("strace: status %d: needs the right to trace\n%s", code, p.err.String())
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range lines.Of(string(text)) {
		if !strings.Contains(line, "cmsg_len=") {
			continue
		}
		found = true
		out := startFdpass(t, "decode", line).succeed()
		if !strings.Contains(out, "1. SCM_RIGHTS: 3 descriptors") {
			t.Errorf("%s is\n%s", line, out)
		}
	}
	if !found {
		t.Errorf("no control message in\n%s", text)
	}
}

func TestWhatDoesDecodeHintAt(t *testing.T) {
	fdtest.NoLeak(t)
	for _, c := range []struct{ text, want string }{
		{"1800000000000000 01000000 01000000 05000000 00000000",
			"is cmsg_len CMSG_SPACE(4), not CMSG_LEN, by mistake? It sends descriptor 0"},
		{`"\24\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\5\0\0\0\0\0\0"`, "C and gdb do not show a string's last NUL"},
		{`\x14\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\xe8\xff\xff\xff`, "-24 = EMFILE, no descriptor"},
	} {
		if out := startFdpass(t, "decode", c.text).succeed(); !strings.Contains(out, c.want) {
			t.Errorf("%s: no %q in\n%s", c.text, c.want, out)
		}
	}
	p := startFdpass(t, "decode", `"\20\0\0\0\1\0\0\0\1\0\0\0\5\0\0"`)
	p.fail(1, "decode: at offset 0")
	out := p.out.String()
	if !strings.Contains(out, "With one zero byte more it makes sense for") ||
		!strings.Contains(out, "386, arm") && !strings.Contains(out, "arm, 386") {
		t.Errorf("no hint that the last NUL is missing:\n%s", out)
	}
	// Flags may stand after the bytes.
	out = startFdpass(t, "decode", "10000000 01000000 01000000 05000000", "-arch", "i686").succeed()
	if !strings.Contains(out, "16 bytes as 386 reads them") {
		t.Errorf("%s", out)
	}
}
