package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"example.com/fdpass/internal/printable"
)

// list writes a line about the message, one about its sender, and a table of the
// descriptors. One that cannot be described has a line all the same.
func list(w io.Writer, b batch) error {
	fmt.Fprintf(w, "received %s%s\n", plural(len(b.files), "descriptor"), payload(b))
	if b.peer.known {
		fmt.Fprintf(w, "from %v\n", b.peer)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "FD\tKIND\tMODE\tOFFSET\tSIZE\tWHAT")
	for _, d := range b.describe() {
		what := d.what
		if d.err != nil {
			what = d.err.Error()
		}
		mode := strings.Join(append([]string{d.mode}, d.flags...), ",")
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\n",
			d.fd, printable.Line(d.kind), mode, orDash(d.offset), orDash(d.size), printable.Line(what))
	}
	return tw.Flush()
}

// describe describes each descriptor.
func (b batch) describe() (all []description) {
	for _, f := range b.files {
		var d description
		err := control(f, func(fd int) (err error) {
			d, err = describe(fd)
			d.fd = fd
			return err
		})
		if d.err = err; err != nil {
			d.kind, d.mode = "unknown", "-"
		}
		all = append(all, d)
	}
	return all
}

// orDash is a number of bytes, or what stands for none.
func orDash(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

// payload shows more than the one zero byte that a stream needs to carry
// descriptors at all, and says what is missing.
func payload(b batch) (text string) {
	const shown = 60
	switch {
	case b.bytes == 0 || b.bytes == 1 && b.data[0] == 0:
	case len(b.data) > shown:
		text = fmt.Sprintf(" with %s: %q…", plural(b.bytes, "byte"), b.data[:shown])
	default:
		text = fmt.Sprintf(" with %s: %q", plural(b.bytes, "byte"), b.data)
	}
	if b.more != "" {
		text += "\n(" + b.more + ")"
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// number is the number of an open file's descriptor, or -1.
func number(f *os.File) int {
	n := -1
	control(f, func(fd int) error { n = fd; return nil })
	return n
}
