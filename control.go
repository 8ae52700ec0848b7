package fdpass

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"slices"

	"example.com/fdpass/internal/cmsg"
	"example.com/fdpass/rawmsg"
)

// Control is one control message: struct cmsghdr and what follows it.
type Control struct {
	Level int    // cmsg_level: [rawmsg.SOL_SOCKET] for everything on a Unix socket
	Type  int    // cmsg_type: [rawmsg.SCM_RIGHTS], [rawmsg.SCM_CREDENTIALS] and others
	Data  []byte // the data without padding; they are a part of the buffer that was parsed
}

// ParseControls iterates over a control buffer, as recvmsg(2) leaves it in the
// first msg_controllen bytes. If the buffer is malformed, it yields the messages
// before that place, then [ErrMalformed], and ends. A rest that is too short for a
// header is the end, as for CMSG_NXTHDR of cmsg(3).
//
// It allocates nothing and never panics. The caller closes the descriptors that
// rights messages hold, also those before a malformed place.
func ParseControls(b []byte) iter.Seq2[Control, error] {
	return func(yield func(Control, error) bool) {
		for rest := b; len(rest) >= headerLen; {
			level, typ, data, next := firstControl(rest)
			if next == 0 {
				yield(Control{}, ErrMalformed)
				return
			}
			if !yield(Control{level, typ, data}, nil) {
				return
			}
			rest = rest[next:]
		}
	}
}

// firstControl returns the control message that b begins with, and where the next
// one begins: 0 if the length of this one is not possible. It does not return a
// [Control], which is one word too long to be returned in registers.
func firstControl(b []byte) (level, typ int, data []byte, next int) {
	n := wordAt(b)
	if n < headerLen || n > uint(len(b)) {
		return 0, 0, nil, 0
	}
	return intAt(b[wordLen:]), intAt(b[wordLen+4:]), b[headerLen:n:n], min(CmsgAlign(int(n)), len(b))
}

// AppendControl appends a control message to b, padded to CMSG_SPACE(len(data))
// bytes, and returns the extended slice. Level and typ are C ints. The format is
// that of cmsg(3). A nil b makes a new buffer.
func AppendControl(b []byte, level, typ int, data []byte) []byte {
	return cmsg.Native.Append(b, level, typ, data)
}

// AppendRights appends an SCM_RIGHTS message that carries fds to b, in
// CMSG_SPACE(4*len(fds)) bytes, and returns the extended slice. The descriptors
// stay the caller's. A message may have more than [rawmsg.SCM_MAX_FD] of them, but
// sendmsg(2) refuses it (EINVAL). A number that is not a C int is written as -1,
// which sendmsg refuses as well (EBADF).
func AppendRights(b []byte, fds ...int) []byte {
	start, space := len(b), CmsgSpace(intLen*len(fds))
	b = slices.Grow(b, space)[:start+space]
	h := b[start:]
	putWord(h, uint(CmsgLen(intLen*len(fds))))
	putInt(h[wordLen:], rawmsg.SOL_SOCKET)
	putInt(h[wordLen+4:], rawmsg.SCM_RIGHTS)
	putInts(h[headerLen:], fds)
	return b
}

// putInts writes fds as C ints, and zeros into the rest of b. It writes eight at a
// time and looks only once for numbers that cannot be descriptors. That makes
// writing 253 of them five times as fast (BenchmarkAppend).
func putInts(b []byte, fds []int) {
	or, all, rest := 0, b, fds
	for len(rest) >= 8 && len(b) >= 32 {
		in, out := (*[8]int)(rest), (*[32]byte)(b)
		or |= in[0] | in[1] | in[2] | in[3] | in[4] | in[5] | in[6] | in[7]
		putInt(out[0:], in[0])
		putInt(out[4:], in[1])
		putInt(out[8:], in[2])
		putInt(out[12:], in[3])
		putInt(out[16:], in[4])
		putInt(out[20:], in[5])
		putInt(out[24:], in[6])
		putInt(out[28:], in[7])
		rest, b = rest[8:], b[32:]
	}
	for _, fd := range rest {
		or |= fd
		putInt(b, fd)
		b = b[4:]
	}
	clear(b)
	if or != or&math.MaxInt32 {
		putNone(all, fds)
	}
}

// putNone writes -1, which is never a descriptor, in the place of each number that
// is not a C int. Its lower 32 bits might be the number of another descriptor.
func putNone(b []byte, fds []int) {
	for i, fd := range fds {
		if fd != int(int32(fd)) {
			putInt(b[4*i:], -1)
		}
	}
}

// is reports whether c is of the level SOL_SOCKET and of type typ.
func (c Control) is(typ int) bool { return c.Level == rawmsg.SOL_SOCKET && c.Type == typ }

// uint32At reads the number at byte i of the data.
func (c Control) uint32At(i int) uint32 { return cmsg.Native.Uint32(c.Data[i:]) }

// The functions below read and write the numbers in control messages, in the layout
// of the machine that the package was compiled for. internal/cmsg knows all
// layouts, and takes 1.5 times as long to read one descriptor (BenchmarkParse).

// wordAt reads the size_t that b begins with.
func wordAt(b []byte) uint {
	if bits.UintSize == 64 {
		return uint(binary.NativeEndian.Uint64(b))
	}
	return uint(binary.NativeEndian.Uint32(b))
}

// putWord writes a size_t.
func putWord(b []byte, v uint) {
	if bits.UintSize == 64 {
		binary.NativeEndian.PutUint64(b, uint64(v))
	} else {
		binary.NativeEndian.PutUint32(b, uint32(v))
	}
}

// intAt reads the C int that b begins with.
func intAt(b []byte) int { return int(int32(binary.NativeEndian.Uint32(b))) }

// putInt writes a C int.
func putInt(b []byte, v int) { binary.NativeEndian.PutUint32(b, uint32(v)) }
