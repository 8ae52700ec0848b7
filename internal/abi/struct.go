package abi

import "strings"

// Struct is a C struct in one architecture's memory.
type Struct struct {
	Name   string  `json:"name"`   // the tag: "msghdr"
	Size   int     `json:"size"`   // sizeof, in bytes
	Align  int     `json:"align"`  // alignof, in bytes
	Fields []Field `json:"fields"` // in the order of their offsets, without a gap
}

// Field is one member of a Struct, or the padding between two or at the end.
type Field struct {
	Type   string `json:"type,omitempty"` // in C: "size_t", "void *"; empty for padding
	Name   string `json:"name"`           // in C: "msg_iovlen"; or "padding"
	Offset int    `json:"offset"`         // from the start of the struct, in bytes
	Size   int    `json:"size"`           // in bytes
}

// Padding reports whether f is no member, but bytes that belong to none.
func (f Field) Padding() bool { return f.Type == "" }

// Decl returns the member as C declares it, "size_t msg_iovlen", or "padding".
func (f Field) Decl() string {
	switch {
	case f.Padding():
		return f.Name
	case strings.HasSuffix(f.Type, "*"):
		return f.Type + f.Name
	}
	return f.Type + " " + f.Name
}

// member is a struct's member before an architecture gives it a place.
type member struct {
	typ, name string
	size      int // in bytes; or word, or a struct's
	align     int // in bytes; 0 where it is the size, as for every scalar here
}

// word is the size of what is a pointer, a size_t or a long in C.
const word = 0

// lay places members by C's rules: each at the next multiple of its alignment,
// and the whole as long as a multiple of the strictest of them, so that every
// element of an array is aligned.
func (a Arch) lay(tag string, members []member) Struct {
	s := Struct{Name: tag, Align: 1}
	for _, m := range members {
		if m.size == word {
			m.size = a.Word
		}
		if m.align == 0 {
			m.align = m.size
		}
		s.padTo(m.align)
		s.Fields = append(s.Fields, Field{m.typ, m.name, s.Size, m.size})
		s.Size += m.size
		s.Align = max(s.Align, m.align)
	}
	s.padTo(s.Align)
	return s
}

// padTo adds padding up to the next multiple of align.
func (s *Struct) padTo(align int) {
	if n := (align - s.Size%align) % align; n > 0 {
		s.Fields = append(s.Fields, Field{Name: "padding", Offset: s.Size, Size: n})
		s.Size += n
	}
}

// Msghdr is struct msghdr of recvmsg(2), the kernel's struct user_msghdr
// (include/linux/socket.h).
func (a Arch) Msghdr() Struct {
	return a.lay("msghdr", []member{
		{"void *", "msg_name", word, 0},
		{"int", "msg_namelen", 4, 0},
		{"struct iovec *", "msg_iov", word, 0},
		{"size_t", "msg_iovlen", word, 0},
		{"void *", "msg_control", word, 0},
		{"size_t", "msg_controllen", word, 0},
		{"int", "msg_flags", 4, 0},
	})
}

// Iovec is struct iovec of readv(2) (include/uapi/linux/uio.h).
func (a Arch) Iovec() Struct {
	return a.lay("iovec", []member{
		{"void *", "iov_base", word, 0},
		{"size_t", "iov_len", word, 0},
	})
}

// Cmsghdr is struct cmsghdr of cmsg(3) (include/linux/socket.h). The data of
// the message follow it.
func (a Arch) Cmsghdr() Struct {
	return a.lay("cmsghdr", []member{
		{"size_t", "cmsg_len", word, 0},
		{"int", "cmsg_level", 4, 0},
		{"int", "cmsg_type", 4, 0},
	})
}

// Mmsghdr is struct mmsghdr of recvmmsg(2) (include/linux/socket.h).
func (a Arch) Mmsghdr() Struct {
	hdr := a.Msghdr()
	return a.lay("mmsghdr", []member{
		{"struct msghdr", "msg_hdr", hdr.Size, hdr.Align},
		{"unsigned int", "msg_len", 4, 0},
	})
}

// Ucred is struct ucred of unix(7) (include/linux/socket.h).
func (a Arch) Ucred() Struct {
	return a.lay("ucred", ucred)
}
