package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"example.com/fdpass/internal/printable"
)

// show writes a record if the flags ask for it.
func (w *watcher) show(r *traceRecord) error {
	if len(r.Wrong) > 0 {
		w.found = true
	}
	hasKind := func(c traceControl) bool { return slices.Contains(w.kinds, c.kind) }
	switch {
	case w.lint && len(r.Wrong) == 0,
		w.errors && r.Errno == "",
		len(w.kinds) > 0 && !slices.ContainsFunc(r.Controls, hasKind):
		return nil
	}
	return w.write(r)
}

// write writes a record as JSON or text.
func (w *watcher) write(r *traceRecord) error {
	if w.json {
		return printable.JSON(w.out, r, "")
	}
	var b strings.Builder
	if w.lint {
		r.lint(&b, w.times)
	} else {
		r.text(&b, w.times)
	}
	text := b.String()
	if w.colors {
		text = redden(text)
	}
	_, err := io.WriteString(w.out, text)
	return err
}

// head begins a line: who made which call on what.
func (r *traceRecord) head(b *strings.Builder, times bool) {
	if times && len(r.Time) > 26 {
		b.WriteString(r.Time[11:26] + " ")
	}
	fmt.Fprintf(b, "%s[%d] %s", printable.Line(r.Program), r.PID, r.Call)
	if r.Index != nil {
		fmt.Fprintf(b, "[%d]", *r.Index)
	}
	fmt.Fprintf(b, "(%d", r.FD)
	if r.Socket != nil {
		b.WriteString(r.Socket.text(r.sends))
	}
}

// lint writes a line for each thing that is wrong.
func (r *traceRecord) lint(b *strings.Builder, times bool) {
	for _, f := range r.Wrong {
		r.head(b, times)
		fmt.Fprintf(b, "): %s (%s)\n", f.Why, f.Link)
	}
}

// text writes a call and what it moved.
func (r *traceRecord) text(b *strings.Builder, times bool) {
	r.head(b, times)
	if r.Call == "io_uring_setup" {
		fmt.Fprintf(b, "): %s\n", r.Note)
		return
	}
	flags := "0"
	if len(r.Flags) > 0 {
		flags = strings.Join(r.Flags, "|")
	}
	fmt.Fprintf(b, ", %s) = %d", flags, r.Result)
	if r.Errno != "" {
		b.WriteString(" " + r.Errno)
		if r.Note != "" {
			fmt.Fprintf(b, " (%s)", r.Note)
		}
	}
	if len(r.MsgFlags) > 0 {
		fmt.Fprintf(b, ", msg_flags %s", strings.Join(r.MsgFlags, "|"))
	}
	b.WriteByte('\n')
	if !r.late {
		r.contents(b)
	}
	for _, f := range r.Wrong {
		fmt.Fprintf(b, "  wrong: %s (%s)\n", f.Why, f.Link)
	}
}

// contents writes the control messages.
func (r *traceRecord) contents(b *strings.Builder) {
	b.WriteString(r.bytes)
	for _, c := range r.Controls {
		if r.bytes == "" {
			fmt.Fprintf(b, "  %s: %s\n", c.Name, c.Summary)
		}
		fold(b, c.Descriptors)
	}
	if r.Bad != "" && r.bytes == "" {
		fmt.Fprintf(b, "  %s\n", r.Bad)
	}
}

// fold writes what descriptors are open on, those that follow each other and are
// the same in one line.
func fold(b *strings.Builder, all []traceDescriptor) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Is == all[0].Is {
			n++
		}
		fds := make([]int, n)
		for i, d := range all[:n] {
			fds[i] = int(d.FD)
		}
		if n == 1 {
			fmt.Fprintf(b, "    %d is %s\n", fds[0], printable.Line(all[0].Is))
		} else {
			fmt.Fprintf(b, "    %s are %s\n", span(fds), printable.Line(all[0].Is))
		}
		all = all[n:]
	}
}

// span is "3 to 9" for numbers in a row, and a list for others.
func span(fds []int) string {
	for i, fd := range fds {
		if fd != fds[0]+i || len(fds) < 3 {
			return numbers(fds)
		}
	}
	return strconv.Itoa(fds[0]) + " to " + strconv.Itoa(fds[len(fds)-1])
}
