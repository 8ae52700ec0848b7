package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/fdpass/internal/printable"
)

// show writes a record if the flags ask for it. That can wait until the program goes
// on, unless it may write to the same place.
func (w *watcher) show(r *traceRecord) error {
	if len(r.Wrong) > 0 {
		w.found = true
	}
	if !w.wants(r) {
		return nil
	}
	if w.json || !w.lint {
		w.name(r)
	}
	w.pending = append(w.pending, r)
	if w.holding && w.file != "" && w.file != "-" {
		return nil
	}
	return w.flush()
}

// wants reports whether the flags ask for a record.
func (w *watcher) wants(r *traceRecord) bool {
	hasKind := func(c traceControl) bool { return slices.Contains(w.kinds, c.kind) }
	switch {
	case w.lint && len(r.Wrong) == 0,
		w.errors && r.Errno == "",
		len(w.kinds) > 0 && !slices.ContainsFunc(r.Controls, hasKind):
		return false
	}
	return true
}

// flush writes what has been put off.
func (w *watcher) flush() error {
	for _, r := range w.pending {
		if err := w.write(r); err != nil {
			return err
		}
	}
	clear(w.pending)
	w.pending = w.pending[:0]
	return nil
}

// write writes a record as JSON or text.
func (w *watcher) write(r *traceRecord) error {
	if w.json {
		return printable.JSON(w.out, r, "")
	}
	w.text.Reset()
	if w.lint {
		r.lint(&w.text, w.times)
	} else {
		r.text(&w.text, w.times)
	}
	text := w.text.Bytes()
	if w.colors {
		text = []byte(redden(w.text.String()))
	}
	_, err := w.out.Write(text)
	return err
}

// writeNumber writes a number and what is around it.
func writeNumber[T int | int64](b *bytes.Buffer, before string, n T, after string) {
	b.WriteString(before)
	b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(n), 10))
	b.WriteString(after)
}

// head begins a line: who made which call on what.
func (r *traceRecord) head(b *bytes.Buffer, times bool) {
	if times && len(r.Time) > 26 {
		b.WriteString(r.Time[11:26] + " ")
	}
	b.WriteString(printable.Line(r.Program))
	writeNumber(b, "[", r.PID, "] ")
	b.WriteString(r.Call)
	if r.Index != nil {
		writeNumber(b, "[", *r.Index, "]")
	}
	writeNumber(b, "(", r.FD, "")
	if r.Socket != nil {
		b.WriteString(r.Socket.text(r.sends))
	}
}

// lint writes a line for each thing that is wrong.
func (r *traceRecord) lint(b *bytes.Buffer, times bool) {
	for _, f := range r.Wrong {
		r.head(b, times)
		fmt.Fprintf(b, "): %s (%s)\n", f.Why, f.Link)
	}
}

// text writes a call and what it moved.
func (r *traceRecord) text(b *bytes.Buffer, times bool) {
	r.head(b, times)
	if r.Call == "io_uring_setup" {
		fmt.Fprintf(b, "): %s\n", r.Note)
		return
	}
	flags := "0"
	if len(r.Flags) > 0 {
		flags = strings.Join(r.Flags, "|")
	}
	writeNumber(b, ", "+flags+") = ", r.Result, "")
	if r.Errno != "" {
		b.WriteString(" " + r.Errno)
		if r.Note != "" {
			fmt.Fprintf(b, " (%s)", r.Note)
		}
	}
	if len(r.MsgFlags) > 0 {
		b.WriteString(", msg_flags " + strings.Join(r.MsgFlags, "|"))
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
func (r *traceRecord) contents(b *bytes.Buffer) {
	b.WriteString(r.bytes)
	for _, c := range r.Controls {
		if r.bytes == "" {
			b.WriteString("  " + c.Name + ": " + c.Summary + "\n")
		}
		fold(b, c.Descriptors)
	}
	if r.Bad != "" && r.bytes == "" {
		fmt.Fprintf(b, "  %s\n", r.Bad)
	}
}

// fold writes what descriptors are open on, those that follow each other and are
// the same in one line.
func fold(b *bytes.Buffer, all []traceDescriptor) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Is == all[0].Is {
			n++
		}
		if n == 1 {
			writeNumber(b, "    ", all[0].FD, " is ")
		} else {
			fds := make([]int, n)
			for i, d := range all[:n] {
				fds[i] = int(d.FD)
			}
			b.WriteString("    " + span(fds) + " are ")
		}
		b.WriteString(printable.Line(all[0].Is) + "\n")
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
