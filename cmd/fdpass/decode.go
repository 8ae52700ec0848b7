package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
	"example.com/fdpass/internal/printable"
)

// maxText is how much text decode reads at most: xxd -c 1 takes 16 characters
// for a byte.
const maxText = 16 * decode.MaxBuffer

// decoder is the command decode: its flags, and where it reads and writes.
type decoder struct {
	arch string
	file string
	json bool
	in   io.Reader
	out  io.Writer
	look look // of where it writes
}

func decodeCommand() *command {
	return &command{
		name:    "decode",
		args:    "[HEX…]",
		summary: "explain the bytes of a control buffer",
		help: `Explains a control buffer byte by byte: what recvmsg(2) left in msg_control, or
what sendmsg(2) is given there.

The bytes are the arguments, or a file's, or else standard input's. They may be
  the bytes themselves, or plain hex;
  what xxd, od and hexdump print, with most of their options;
  what gdb prints for x/24xb and p;
  a string as strace, C and Python have it, with its quotes or without;
  numbers: a C array, a list in Python, Go or JSON, or only with blanks;
  a line of strace, with msg_control=[{cmsg_len=…}].
Which of them it is shows by itself. At most 256 KiB of them are read.

Without -arch it says which architectures the buffer makes sense for, and
explains it as the first of them reads it, this machine's if it is one. What
strace prints has no bytes: they are put together as this machine has them.

The exit status is 1 if the bytes cannot be read, or stop making sense: what
comes before that place is explained all the same.

examples:
  fdpass decode 1400000000000000 01000000 01000000 05000000 00000000
  fdpass decode -arch s390x '"\0\0\0\0\0\0\0\24\0\0\0\1\0\0\0\1\0\0\0\5"'
  xxd control.bin | fdpass decode -json`,
		mixed: true,
		setup: func(fs *flag.FlagSet) func([]string) error {
			d := decoder{in: os.Stdin, out: os.Stdout, look: lookOf(os.Stdout)}
			fs.StringVar(&d.arch, "arch", "", "read the buffer as `GOARCH` does: amd64, s390x, …")
			fs.StringVar(&d.file, "file", "", "read the text in `FILE`; - is standard input")
			fs.BoolVar(&d.json, "json", false, "write JSON")
			return d.run
		},
	}
}

func (d *decoder) run(args []string) error {
	var groups [][]abi.Arch
	if d.arch != "" {
		a, err := abi.Lookup(d.arch)
		if err != nil {
			return usagef("decode: -arch: %v", err)
		}
		groups = [][]abi.Arch{{a}}
	}
	where, text, err := d.read(args)
	if err != nil {
		return err
	}
	parse := decode.Parse
	if groups != nil {
		parse = func(text string) ([]byte, error) { return decode.ParseFor(groups[0][0], text) }
	}
	buf, err := parse(text)
	if err != nil {
		return fmt.Errorf("decode: %s, %w", where, err)
	}
	guessed := groups == nil
	if guessed {
		groups = decode.Guess(buf)
	}
	return d.explain(buf, groups, guessed)
}

// read is the text to decode and where it comes from.
func (d *decoder) read(args []string) (where, text string, err error) {
	switch {
	case len(args) > 0 && d.file != "":
		return "", "", usagef("decode: either -file or arguments")
	case len(args) > 0:
		return "arguments", strings.Join(args, " "), nil
	case d.file == "" || d.file == "-":
		where = "standard input"
	default:
		f, err := os.Open(d.file)
		if err != nil {
			return "", "", fmt.Errorf("decode: %w", err)
		}
		defer f.Close()
		where, d.in = d.file, f
	}
	b, err := io.ReadAll(io.LimitReader(d.in, maxText+1))
	if err != nil {
		return "", "", fmt.Errorf("decode: %s: %w", where, err)
	}
	if len(b) > maxText {
		return "", "", fmt.Errorf("decode: %s: more than %d bytes of text; no control buffer is that long",
			where, maxText)
	}
	return where, string(b), nil
}

// explain writes what buf is to the first of the architectures in groups, or
// to this machine if there is none.
func (d *decoder) explain(buf []byte, groups [][]abi.Arch, guessed bool) error {
	a := abi.Native()
	if len(groups) > 0 {
		a = groups[0][0]
	}
	r := decode.Explain(a, buf)
	var hints []string
	for _, g := range decode.WithNUL(buf) {
		hints = append(hints, "With one zero byte more it makes sense for "+strings.Join(names(g), ", ")+".")
	}
	if hints != nil {
		hints = append(hints, "C and gdb do not show a string's last NUL; perhaps it is missing.")
	}
	err := d.write(r, groups, guessed, hints)
	if err == nil && r.Error != nil {
		err = fmt.Errorf("decode: %w", r.Error)
	}
	return err
}

// write writes the report, as JSON or as text.
func (d *decoder) write(r *decode.Report, groups [][]abi.Arch, guessed bool, hints []string) error {
	if d.json {
		return d.writeJSON(r, groups, hints)
	}
	var b bytes.Buffer
	if guessed {
		suits(&b, groups, r.Size, hints)
	}
	text := r.WriteText
	if d.look.color {
		text = r.WriteColor
	}
	if err := text(&b); err != nil {
		return err
	}
	_, err := d.out.Write(b.Bytes())
	return err
}

// suits says which architectures the buffer makes sense for.
func suits(w io.Writer, groups [][]abi.Arch, size int, hints []string) {
	switch {
	case size == 0:
		return
	case len(groups) == 0:
		fmt.Fprintln(w, "This makes sense for no architecture; below is what this machine's kernel sees.")
		for _, h := range hints {
			fmt.Fprintln(w, h)
		}
	default:
		fmt.Fprintln(w, "This makes sense for")
	}
	for _, g := range groups {
		note := ""
		if g[0].SOLSocket != 1 {
			note = fmt.Sprintf(" with SOL_SOCKET %d", g[0].SOLSocket)
		}
		fmt.Fprintf(w, "  %s (%s%s)\n", strings.Join(names(g), ", "), g[0].Kind(), note)
	}
	fmt.Fprintln(w)
}

// writeJSON writes the report, and which architectures it holds for.
func (d *decoder) writeJSON(r *decode.Report, groups [][]abi.Arch, hints []string) error {
	suits := []string{}
	for _, g := range groups {
		suits = append(suits, names(g)...)
	}
	return printable.JSON(d.out, struct {
		Suits []string `json:"suits"`
		Hints []string `json:"hints,omitempty"`
		*decode.Report
	}{suits, hints, r}, "  ")
}

func names(archs []abi.Arch) (names []string) {
	for _, a := range archs {
		names = append(names, a.Name)
	}
	return names
}
