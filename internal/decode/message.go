package decode

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/cmsg"
)

// message explains the control message c, which takes up buf[off:end].
func (r *Report) message(off int, c cmsg.Control, end int) Message {
	data := off + r.arch.HeaderLen()
	known, ok := r.arch.Message(int(c.Type))
	ok = ok && int(c.Level) == r.arch.SOLSocket
	m := Message{Name: known.Name, Fields: r.header(off)}
	switch {
	case !ok:
		m.Name = unnamed(r.arch, c)
		m.Summary = count(len(c.Data), "byte")
		m.levelNote(r.arch, int(c.Level))
		m.Fields = appendData(m.Fields, Field{Offset: data, Size: len(c.Data), Name: "data"})
	case len(known.Payload.Fields) == 0:
		r.text(&m, data, c.Data)
	default:
		r.payload(&m, data, c.Data, known)
	}
	if pad := end - data - len(c.Data); pad > 0 {
		m.Fields = append(m.Fields, r.padding(data+len(c.Data), pad, ok && c.Type == abi.SCM_RIGHTS))
	}
	return m
}

// unnamed is what a message of an unknown type is called.
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
	n := len(data) / size
	if !known.Many {
		n = min(n, 1)
	}
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
	m.Summary = r.summary(known, data, n)
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
	label := strings.TrimRight(string(data), "\x00")
	m.Summary = strconv.QuoteToASCII(label[:min(len(label), 40)])
	if len(label) > 40 {
		m.Summary += "…"
	}
	m.plain, m.short = true, true
	m.Fields = appendData(m.Fields, Field{Offset: off, Size: len(data), Type: "char", Name: "label[]", Value: strings.ToValidUTF8(label, "\uFFFD")})
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

// summary says what the first n elements in data are.
func (r *Report) summary(known abi.Message, data []byte, n int) string {
	if known.Type == abi.SCM_RIGHTS {
		return count(n, "descriptor")
	}
	if n == 0 {
		return "cut short"
	}
	at := func(i int) int64 {
		f := known.Payload.Fields[i]
		return r.int(data[f.Offset:][:f.Size])
	}
	switch known.Type {
	case abi.SCM_CREDENTIALS:
		return fmt.Sprintf("process %d, user %d, group %d", uint32(at(0)), uint32(at(1)), uint32(at(2)))
	case abi.SCM_PIDFD:
		if fd := at(0); fd < 0 {
			return "no pidfd"
		}
		return "descriptor of the sending process"
	case abi.SCM_INQ:
		return fmt.Sprintf("%s left to read", count(int(at(0)), "byte"))
	case abi.SCM_TIMESTAMP, abi.SO_TIMESTAMP_NEW:
		return moment(at(0), at(1), time.Microsecond)
	case abi.SCM_TIMESTAMPING, abi.SO_TIMESTAMPING_NEW:
		if at(4) != 0 || at(5) != 0 {
			return moment(at(4), at(5), time.Nanosecond) + ", by the hardware"
		}
	}
	return moment(at(0), at(1), time.Nanosecond)
}

// moment is a time of the real-time clock, or what is wrong with it.
func moment(sec, frac int64, unit time.Duration) string {
	const year10000 = 253402300800
	if sec < 0 || sec >= year10000 || frac < 0 || frac >= int64(time.Second/unit) {
		return "not a time between the years 1970 and 9999"
	}
	return time.Unix(sec, frac*int64(unit)).UTC().Format("2006-01-02 15:04:05.999999999 UTC")
}

// levels are cmsg_levels that do not come from a Unix socket:
// include/linux/socket.h.
var levels = map[int]string{0: "SOL_IP", 6: "SOL_TCP", 17: "SOL_UDP", 41: "SOL_IPV6", 132: "SOL_SCTP", 263: "SOL_PACKET", 270: "SOL_NETLINK", 279: "SOL_ALG", 282: "SOL_TLS"}

func levelName(a abi.Arch, level int) string {
	if level == a.SOLSocket {
		return "SOL_SOCKET"
	}
	return levels[level]
}

// levelNote says where a level that means nothing here would be SOL_SOCKET.
func (m *Message) levelNote(a abi.Arch, level int) {
	switch {
	case level == a.SOLSocket:
	case level == 1:
		m.Notes = append(m.Notes, fmt.Sprintf("level 1 is SOL_SOCKET elsewhere; on MIPS it is %d", a.SOLSocket))
	case level == 0xffff:
		m.Notes = append(m.Notes, fmt.Sprintf("level 65535 is SOL_SOCKET on MIPS; here it is %d", a.SOLSocket))
	}
}

// errnos are those that the kernel puts in a descriptor's place. They are the
// same on every architecture: include/uapi/asm-generic/errno-base.h.
var errnos = map[int64]string{1: "EPERM", 3: "ESRCH", 9: "EBADF", 12: "ENOMEM", 13: "EACCES", 22: "EINVAL", 23: "ENFILE", 24: "EMFILE"}

// noDescriptor is what the number -errno means where a descriptor should be.
func noDescriptor(errno int64) string {
	if name, ok := errnos[errno]; ok {
		return name + ", no descriptor"
	}
	return "no descriptor"
}
