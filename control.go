package fdpass

import (
	"iter"
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
	putWord(h[space-wordLen:], 0) // Padding, over which the numbers are written.
	putWord(h, uint(CmsgLen(intLen*len(fds))))
	putInt(h[wordLen:], rawmsg.SOL_SOCKET)
	putInt(h[wordLen+4:], rawmsg.SCM_RIGHTS)
	if len(fds) == 1 && fds[0] == int(int32(fds[0])) { // nearly every message; worth 2 ns
		putInt(h[headerLen:], fds[0])
	} else {
		putInts(h[headerLen:], fds)
	}
	return b
}

// is reports whether c is of the level SOL_SOCKET and of type typ.
func (c Control) is(typ int) bool { return c.Level == rawmsg.SOL_SOCKET && c.Type == typ }

// uint32At reads the number at byte i of the data.
func (c Control) uint32At(i int) uint32 { return cmsg.Native.Uint32(c.Data[i:]) }
