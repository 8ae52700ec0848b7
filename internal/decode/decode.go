// Package decode explains a control buffer byte by byte, as any architecture's
// kernel reads it: a [Report] whose fields cover the whole buffer without a
// gap, as text or as JSON.
//
// It takes any bytes at all. What is wrong with them is part of the report,
// and the report stays of a size that a person can read.
package decode

import (
	"fmt"
	"strconv"

	"example.com/fdpass/internal/abi"
)

// Bounds of a report. The kernel passes 253 descriptors in a message
// (SCM_MAX_FD) and far fewer messages in a buffer.
const (
	maxMessages = 256
	maxElements = 253
	maxSummary  = 50 // characters of a label in a heading
)

// Report is a control buffer explained.
type Report struct {
	Arch     string    `json:"arch"` // GOARCH
	Kind     string    `json:"kind"` // "64-bit little-endian"
	Size     int       `json:"size"` // of the buffer, in bytes
	Messages []Message `json:"messages"`
	Rest     []Field   `json:"rest,omitempty"`  // what follows the last message
	Error    *Error    `json:"error,omitempty"` // why the walk ended before the buffer did

	arch  abi.Arch
	buf   []byte
	brief bool // see Outline
}

// Message is one control message.
type Message struct {
	Name    string   `json:"name"`            // "SCM_RIGHTS", or level and type in numbers
	Summary string   `json:"summary"`         // what it carries
	Fields  []Field  `json:"fields"`          // header, data and padding, in their order
	Notes   []string `json:"notes,omitempty"` // what is odd about it

	plain bool // all is as the kernel writes it
	short bool // all is, but for data that were cut
}

// Field is a piece of the buffer that means one thing.
type Field struct {
	Offset int    `json:"offset"`          // from the start of the buffer, in bytes
	Size   int    `json:"size"`            // in bytes
	Type   string `json:"type,omitempty"`  // in C
	Name   string `json:"name"`            // in C, or "padding", "data", "unused", "unread"
	Value  any    `json:"value,omitempty"` // a number, or a string where the bytes are text
	Note   string `json:"note,omitempty"`  // what the value means
}

// Error says where a buffer stops making sense, and why.
type Error struct {
	Offset int    `json:"offset"` // from the start of the buffer, in bytes
	Reason string `json:"reason"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("at offset %d (0x%04[1]x): %s", e.Offset, e.Reason)
}

// Explain reads buf as a's kernel does, and as CMSG_NXTHDR does.
func Explain(a abi.Arch, buf []byte) *Report {
	r := &Report{Arch: a.Name, Kind: a.Kind(), Size: len(buf), arch: a, buf: buf}
	r.walk()
	return r
}

// Outline is Explain without the fields and notes of the messages, for those who
// have many buffers and little time.
func Outline(a abi.Arch, buf []byte) *Report {
	r := &Report{Arch: a.Name, Size: len(buf), arch: a, buf: buf, brief: true}
	r.walk()
	return r
}

// walk finds the messages.
func (r *Report) walk() {
	r.Messages = []Message{} // JSON wants a list, even an empty one
	rest := r.buf
	for len(r.Messages) < maxMessages {
		off := len(r.buf) - len(rest)
		c, next, ok, err := r.arch.Next(rest)
		if !ok || err != nil {
			r.end(off)
			return
		}
		r.Messages = append(r.Messages, r.message(off, c, len(r.buf)-len(next)))
		rest = next
	}
	if n := len(rest); n > 0 {
		off := len(r.buf) - n
		r.Rest = []Field{{Offset: off, Size: n, Name: "unread"}}
		r.Error = &Error{off, fmt.Sprintf("more than %d messages", maxMessages)}
	}
}

// end accounts for what follows the last message, from off on.
func (r *Report) end(off int) {
	rest := r.buf[off:]
	if off > 0 && allZero(rest) {
		// A buffer that the kernel did not fill, pasted in full.
		r.Rest = appendData(nil, Field{Offset: off, Size: len(rest), Name: "unused"})
		return
	}
	r.Error = &Error{off, r.reason(rest)}
	if h := r.arch.HeaderLen(); len(rest) >= h {
		r.Rest = r.header(off)
		off += h
	}
	r.Rest = appendData(r.Rest, Field{Offset: off, Size: len(r.buf) - off, Name: "unread"})
}

// reason says why no message begins with rest.
func (r *Report) reason(rest []byte) string {
	h := r.arch.HeaderLen()
	switch n := len(rest); {
	case n == 0:
		return "the buffer is empty"
	case n < h:
		return fmt.Sprintf("only %s left, too few for a header of %d", count(n, "byte"), h)
	}
	n := r.uint(rest[:r.arch.Word])
	if n < uint64(h) {
		return fmt.Sprintf("cmsg_len is %d, less than its own header of %d bytes", n, h)
	}
	hint := ""
	if n == uint64(len(rest))+1 {
		hint = ": " + missingNUL
	}
	return fmt.Sprintf("cmsg_len is %d, and only %s left%s", n, count(len(rest), "byte"), hint)
}

// uint reads an unsigned number of 4 or 8 bytes.
func (r *Report) uint(b []byte) uint64 {
	if len(b) == 8 {
		return r.arch.Uint64(b)
	}
	return uint64(r.arch.Uint32(b))
}

// int reads a signed number of 4 or 8 bytes.
func (r *Report) int(b []byte) int64 {
	if len(b) == 8 {
		return int64(r.arch.Uint64(b))
	}
	return int64(int32(r.arch.Uint32(b)))
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// count is "1 byte", "2 bytes".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
