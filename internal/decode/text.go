package decode

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// A line of text shows this many bytes, and a field at most so many of them.
const (
	bytesPerLine = 8
	maxShown     = 64
)

// WriteText writes r in lines of 80 columns: offset, bytes, C declaration and
// what they mean.
func (r *Report) WriteText(w io.Writer) error { return r.write(w, false) }

// WriteColor is WriteText with ANSI colours for a terminal.
func (r *Report) WriteColor(w io.Writer) error { return r.write(w, true) }

func (r *Report) write(w io.Writer, color bool) error {
	p := painter{on: color}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s as %s reads them: %s\n", count(r.Size, "byte"), r.Arch, r.Kind)
	for i, m := range r.Messages {
		fmt.Fprintf(&b, "\n%s\n", p.paint(bold, fmt.Sprintf("%d. %s: %s", i+1, m.Name, m.Summary)))
		r.lines(&b, m.Fields, p)
		for _, n := range m.Notes {
			fmt.Fprintf(&b, "  %s\n", p.paint(red, "! "+n))
		}
	}
	if r.Rest != nil {
		b.WriteString("\n")
		r.lines(&b, r.Rest, p)
	}
	if r.Error != nil {
		fmt.Fprintf(&b, "  %s\n", p.paint(red, "! "+r.Error.Error()))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// lines writes one or more lines for each field, their columns aligned.
func (r *Report) lines(b *bytes.Buffer, fields []Field, paint painter) {
	width := 0
	for _, f := range fields {
		width = max(width, len(f.decl()))
	}
	for _, f := range fields {
		p := r.buf[f.Offset:][:f.Size]
		shown := p[:min(len(p), maxShown)]
		if f.Name == "unused" {
			shown = p[:min(len(p), bytesPerLine)]
		}
		for i := 0; i < len(shown); i += bytesPerLine {
			part := shown[i:min(i+bytesPerLine, len(shown))]
			line := fmt.Sprintf("  %04x  %- 23x", f.Offset+i, part)
			switch {
			case f.opaque():
				line += fmt.Sprintf("  %-*s  %s", width, first(i, f.decl()), printable(part))
			case i == 0:
				line += fmt.Sprintf("  %-*s  %s", width, f.decl(), f.meaning())
			}
			b.WriteString(paint.paint(f.ink(), strings.TrimRight(line, " ")))
			b.WriteByte('\n')
		}
		if n := len(p) - len(shown); n > 0 {
			fmt.Fprintf(b, "  …     %s more\n", count(n, "byte"))
		}
	}
}

// first returns s on the first line of a field, nothing on the others.
func first(i int, s string) string {
	if i > 0 {
		return ""
	}
	return s
}

// decl returns f as C declares it.
func (f Field) decl() string {
	if f.Type == "" {
		return f.Name
	}
	return f.Type + " " + f.Name
}

// opaque says whether f's bytes are shown as characters, too, for want of a
// meaning or because they are text.
func (f Field) opaque() bool {
	_, text := f.Value.(string)
	return text || f.Name == "data" || f.Name == "unread"
}

// meaning returns f's value and what it means.
func (f Field) meaning() string {
	switch {
	case f.Value == nil:
		return f.Note
	case f.Note == "":
		return fmt.Sprint(f.Value)
	}
	return fmt.Sprintf("%v = %s", f.Value, f.Note)
}

// printable returns b in quotation marks, with a dot for what is not ASCII.
func printable(b []byte) string {
	s := make([]byte, len(b))
	for i, c := range b {
		s[i] = c
		if c < ' ' || c > '~' {
			s[i] = '.'
		}
	}
	return "|" + string(s) + "|"
}
