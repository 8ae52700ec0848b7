package decode

import (
	"fmt"
	"strconv"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/cmsg"
)

// message explains the control message c, which takes up buf[off:end].
func (r *Report) message(off int, c cmsg.Control, end int) Message {
	data := off + r.arch.HeaderLen()
	known, ok := r.arch.Message(int(c.Type))
	ok = ok && int(c.Level) == r.arch.SOLSocket
	m := r.heading(c, known, ok)
	if r.brief {
		return m
	}
	m.Fields = r.header(off)
	switch {
	case !ok:
		m.levelNote(r.arch, int(c.Level))
		m.Fields = appendData(m.Fields, Field{Offset: data, Size: len(c.Data), Name: "data"})
	case len(known.Payload.Fields) == 0:
		r.text(&m, data, c.Data)
	default:
		r.payload(&m, data, c.Data, known)
	}
	if known.Type == abi.SCM_RIGHTS && ok {
		r.spaceNote(&m, c.Data)
	}
	if end == len(r.buf) && end > data+len(c.Data) && end+1 == off+r.arch.Space(len(c.Data)) {
		m.Notes = append(m.Notes, "one byte of padding is missing: "+missingNUL)
	}
	if pad := end - data - len(c.Data); pad > 0 {
		m.Fields = append(m.Fields, r.padding(data+len(c.Data), pad, ok && c.Type == abi.SCM_RIGHTS))
	}
	return m
}

// heading returns the name and the summary of a message, which is of a known type if
// ok.
func (r *Report) heading(c cmsg.Control, known abi.Message, ok bool) Message {
	switch {
	case !ok:
		return Message{Name: unnamed(r.arch, c), Summary: count(len(c.Data), "byte")}
	case len(known.Payload.Fields) == 0:
		return Message{Name: known.Name, Summary: labelSummary(label(c.Data))}
	}
	return Message{Name: known.Name, Summary: r.summary(known, c.Data, elements(known, c.Data))}
}

// elements returns how many whole elements of known there are in data.
func elements(known abi.Message, data []byte) int {
	n := len(data) / known.Payload.Size
	if !known.Many {
		n = min(n, 1)
	}
	return n
}

// unnamed returns what a message of an unknown type is called.
func unnamed(a abi.Arch, c cmsg.Control) string {
	if name := levelName(a, int(c.Level)); name != "" {
		return fmt.Sprintf("%s, type %d", name, c.Type)
	}
	return fmt.Sprintf("level %d, type %d", c.Level, c.Type)
}

// header explains the three members of the struct cmsghdr at off.
func (r *Report) header(off int) []Field {
	var fields []Field
	for _, f := range r.arch.Cmsghdr().Fields {
		fields = append(fields, Field{Offset: off + f.Offset, Size: f.Size, Type: f.Type, Name: f.Name})
	}
	bytes := func(i int) []byte { return r.buf[fields[i].Offset:][:fields[i].Size] }
	n, level, typ := r.uint(bytes(0)), int(r.int(bytes(1))), int(r.int(bytes(2)))
	fields[0].Value, fields[1].Value, fields[2].Value = n, level, typ
	if h := uint64(r.arch.HeaderLen()); n >= h && n <= uint64(len(r.buf)-off) {
		fields[0].Note = fmt.Sprintf("CMSG_LEN(%d)", n-h)
	}
	fields[1].Note = levelName(r.arch, level)
	if known, ok := r.arch.Message(typ); ok && level == r.arch.SOLSocket {
		fields[2].Note = known.Name
	}
	return fields
}

// payload explains data of a known form: one element, or as many as fit.
func (r *Report) payload(m *Message, off int, data []byte, known abi.Message) {
	size := known.Payload.Size
	n := elements(known, data)
	end := off + len(data)
	for i := 0; i < n || i == 0; i++ {
		if i == maxElements {
			m.Notes = append(m.Notes, fmt.Sprintf("the kernel passes %d descriptors at most", maxElements))
			break
		}
		m.Fields = append(m.Fields, r.element(known, i, off+i*size, end)...)
	}
	last := m.Fields[len(m.Fields)-1]
	at := last.Offset + last.Size
	m.Fields = appendData(m.Fields, Field{Offset: at, Size: end - at, Name: "data"})
	m.plain = len(data) == n*size && (known.Many || n == 1) && n <= maxElements
	m.short = m.plain || len(data) < size || known.Many && n <= maxElements
	if len(data) != n*size || n == 0 && !known.Many {
		m.Notes = append(m.Notes, sizeNote(known, len(data), n))
	}
}

// sizeNote says how data of the wrong size differ from what they should be.
func sizeNote(known abi.Message, have, n int) string {
	what, size := known.Payload.Name, known.Payload.Size
	if what == "" {
		what = known.Payload.Fields[0].Type
	} else {
		what = "struct " + what
	}
	switch {
	case known.Many:
		return fmt.Sprintf("truncated: %s of another %s", count(have-n*size, "byte"), what)
	case have < size:
		return fmt.Sprintf("truncated: %d of the %d bytes of %s", have, size, what)
	}
	return fmt.Sprintf("%s more than %s has", count(have-size, "byte"), what)
}

// element explains the i-th element of known, which lies at off, as far as
// its members are whole at the end of the data.
func (r *Report) element(known abi.Message, i, off, end int) []Field {
	var fields []Field
	for _, f := range known.Payload.Fields {
		if off+f.Offset+f.Size > end {
			break
		}
		g := Field{Offset: off + f.Offset, Size: f.Size, Type: f.Type, Name: f.Name}
		if known.Many {
			g.Name += "[" + strconv.Itoa(i) + "]"
		}
		b := r.buf[g.Offset : g.Offset+g.Size]
		if f.Type == "__u32" {
			g.Value = r.uint(b)
		} else {
			g.Value = r.int(b)
		}
		if n := r.int(b); n < 0 && (known.Type == abi.SCM_RIGHTS || known.Type == abi.SCM_PIDFD) {
			g.Note = noDescriptor(-n)
		}
		fields = append(fields, g)
	}
	return fields
}

// text explains a security label.
func (r *Report) text(m *Message, off int, data []byte) {
	m.plain, m.short = true, true
	m.Fields = appendData(m.Fields, Field{
		Offset: off, Size: len(data), Type: "char", Name: "label[]",
		Value: strings.ToValidUTF8(label(data), "\uFFFD"),
	})
}

// label returns a security label without the zeros at its end.
func label(data []byte) string { return strings.TrimRight(string(data), "\x00") }

// labelSummary returns as much of a label as fits into a heading.
func labelSummary(label string) string {
	quoted := strconv.QuoteToASCII(label[:min(len(label), maxSummary)])
	if len(quoted) > maxSummary {
		return quoted[:maxSummary] + "…"
	}
	return quoted
}

// appendData appends f unless it is empty.
func appendData(fields []Field, f Field) []Field {
	if f.Size == 0 {
		return fields
	}
	return append(fields, f)
}

// padding explains the bytes that round a message up to a whole word.
func (r *Report) padding(off, size int, rights bool) Field {
	f := Field{Offset: off, Size: size, Name: "padding"}
	switch {
	case !allZero(r.buf[off : off+size]):
		f.Note = "not zero, left as it was"
	case rights && size == 4:
		f.Note = "room for one descriptor more"
	}
	return f
}
