package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"

	"example.com/fdpass/internal/printable"
)

// list writes a line about the message and a table of the descriptors.
func list(w io.Writer, b batch) error {
	fmt.Fprintf(w, "received %s%s\n", plural(len(b.files), "descriptor"), payload(b))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "FD\tKIND\tMODE\tOFFSET\tSIZE\tWHAT")
	for _, f := range b.files {
		err := control(f, func(fd int) error {
			d, err := describe(fd)
			if err == nil {
				fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\n", fd, d.kind, d.mode, d.offset, d.size, printable.Line(d.what))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return tw.Flush()
}

// payload tells of more than the one zero byte that a stream needs to carry
// descriptors at all.
func payload(b batch) string {
	const shown = 60
	switch {
	case b.bytes == 0 || b.bytes == 1 && b.data[0] == 0:
		return ""
	case len(b.data) > shown:
		return fmt.Sprintf(" with %s: %q…", plural(b.bytes, "byte"), b.data[:shown])
	}
	return fmt.Sprintf(" with %s: %q", plural(b.bytes, "byte"), b.data)
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
