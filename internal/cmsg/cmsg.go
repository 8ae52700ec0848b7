// Package cmsg reads and writes control buffers as bytes, in the layout of any
// Linux machine: whatever the word size and the byte order, on whatever
// machine this runs. The package above uses [Native]; tests and the command
// look at buffers of foreign kernels through the same code.
//
// It neither allocates nor panics on any input, and knows nothing of sockets.
package cmsg

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

// ErrMalformed says that a control message's length is not possible: shorter
// than its own header, or longer than what is left of the buffer; or that its
// data are not of the size that its type has.
var ErrMalformed = errors.New("fdpass: malformed control message")

// Layout is what a machine's ABI decides about control messages.
type Layout struct {
	Word int  // sizeof(size_t) in bytes, 4 or 8: of cmsg_len, and the unit of alignment
	Big  bool // most significant byte first
}

// Native is the layout of the machine that this runs on.
var Native = Layout{
	Word: bits.UintSize / 8,
	Big:  binary.NativeEndian.Uint16([]byte{0, 1}) == 1,
}

// Control is one control message of a buffer. With the numbers as int it would
// be one word too long for the compiler to keep in registers, which doubles the
// time that Next takes.
type Control struct {
	Level int32  // cmsg_level: SOL_SOCKET, which is 0xffff on MIPS and 1 elsewhere
	Type  int32  // cmsg_type: SCM_RIGHTS, SCM_CREDENTIALS, …
	Data  []byte // what follows the header, a part of the buffer; padding is not in it
}

// Align rounds n up to a multiple of the word size.
func (l Layout) Align(n int) int { return (n + l.Word - 1) &^ (l.Word - 1) }

// HeaderLen is sizeof(struct cmsghdr): a word and two ints.
func (l Layout) HeaderLen() int { return l.Word + 8 }

// Len returns the cmsg_len of a message with n bytes of data.
func (l Layout) Len(n int) int { return l.HeaderLen() + n }

// Space returns what a message with n bytes of data takes up in a buffer.
func (l Layout) Space(n int) int { return l.HeaderLen() + l.Align(n) }

// Next splits the first control message off b. The end of the buffer, or a
// rest that is too short for a header (which CMSG_NXTHDR takes for the end,
// too), is ok == false without an error.
func (l Layout) Next(b []byte) (c Control, rest []byte, ok bool, err error) {
	h := l.HeaderLen()
	if len(b) < h {
		return Control{}, nil, false, nil
	}
	n := l.word(b)
	if n < uint64(h) || n > uint64(len(b)) {
		return Control{}, nil, false, ErrMalformed
	}
	c.Level = int32(l.Uint32(b[l.Word:]))
	c.Type = int32(l.Uint32(b[l.Word+4:]))
	c.Data = b[h:n:n]
	return c, b[min(l.Align(int(n)), len(b)):], true, nil
}

// Append appends one control message, padded with zeros to a whole word.
func (l Layout) Append(b []byte, level, typ int, data []byte) []byte {
	b = l.appendHeader(b, level, typ, len(data))
	b = append(b, data...)
	return l.pad(b, len(data))
}

// AppendRights appends an SCM_RIGHTS message (type 1) that carries fds. The
// level is the caller's, since its number is not the same everywhere. A number
// that is no C int is written as -1, which no process has open, and not as what
// its last 32 bits happen to say.
func (l Layout) AppendRights(b []byte, level int, fds []int) []byte {
	b = l.appendHeader(b, level, 1, 4*len(fds))
	start := len(b)
	b = slices.Grow(b, l.Align(4*len(fds)))[:start+4*len(fds)]
	for i, fd := range fds {
		if fd != int(int32(fd)) {
			fd = -1
		}
		l.putUint32(b[start+4*i:], uint32(fd))
	}
	return l.pad(b, 4*len(fds))
}

func (l Layout) putUint32(b []byte, v uint32) {
	if l.Big {
		binary.BigEndian.PutUint32(b, v)
	} else {
		binary.LittleEndian.PutUint32(b, v)
	}
}

// Uint32 reads the first four bytes of b.
func (l Layout) Uint32(b []byte) uint32 {
	if l.Big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// Uint64 reads the first eight bytes of b.
func (l Layout) Uint64(b []byte) uint64 {
	if l.Big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// word reads a size_t.
func (l Layout) word(b []byte) uint64 {
	if l.Word == 8 {
		return l.Uint64(b)
	}
	return uint64(l.Uint32(b))
}

func (l Layout) appendHeader(b []byte, level, typ, n int) []byte {
	cmsgLen := uint64(l.Len(n))
	switch {
	case l.Word == 8 && l.Big:
		b = binary.BigEndian.AppendUint64(b, cmsgLen)
	case l.Word == 8:
		b = binary.LittleEndian.AppendUint64(b, cmsgLen)
	default:
		b = l.appendUint32(b, uint32(cmsgLen))
	}
	b = l.appendUint32(b, uint32(level))
	return l.appendUint32(b, uint32(typ))
}

func (l Layout) appendUint32(b []byte, v uint32) []byte {
	if l.Big {
		return binary.BigEndian.AppendUint32(b, v)
	}
	return binary.LittleEndian.AppendUint32(b, v)
}

func (l Layout) pad(b []byte, n int) []byte {
	var zeros [8]byte
	return append(b, zeros[:l.Align(n)-n]...)
}
