package fdpass

import (
	"iter"

	"example.com/fdpass/internal/cmsg"
	"example.com/fdpass/rawmsg"
)

// Control is one control message: struct cmsghdr and what follows it.
type Control struct {
	Level int    // cmsg_level: [rawmsg.SOL_SOCKET] for everything on a Unix socket
	Type  int    // cmsg_type: [rawmsg.SCM_RIGHTS], [rawmsg.SCM_CREDENTIALS] and others
	Data  []byte // the data without padding, a part of the buffer that was parsed and good as long as that
}

// ParseControls iterates over a control buffer, as recvmsg(2) leaves it in the
// first msg_controllen bytes. Where the buffer is malformed, it yields
// [ErrMalformed] after the good messages before that place, and ends. A rest
// that is too short for a header is the end, as for CMSG_NXTHDR of cmsg(3).
//
// It allocates nothing and never panics. Descriptors that a rights message
// holds are for the caller to close, those before a malformed place included.
func ParseControls(b []byte) iter.Seq2[Control, error] {
	return func(yield func(Control, error) bool) {
		for rest := b; ; {
			c, next, ok, err := cmsg.Native.Next(rest)
			if err != nil {
				yield(Control{}, err)
				return
			}
			if !ok || !yield(Control{int(c.Level), int(c.Type), c.Data}, nil) {
				return
			}
			rest = next
		}
	}
}

// AppendControl appends a control message to b, padded to CMSG_SPACE(len(data))
// bytes, and returns the longer slice.
func AppendControl(b []byte, level, typ int, data []byte) []byte {
	return cmsg.Native.Append(b, level, typ, data)
}

// AppendRights appends an SCM_RIGHTS message that carries fds to b, in
// CMSG_SPACE(4*len(fds)) bytes, and returns the longer slice. The descriptors
// stay the caller's. The kernel refuses a message with more than [rawmsg.SCM_MAX_FD].
func AppendRights(b []byte, fds ...int) []byte {
	return cmsg.Native.AppendRights(b, rawmsg.SOL_SOCKET, fds)
}

// is reports whether c is of the level SOL_SOCKET and of type typ.
func (c Control) is(typ int) bool { return c.Level == rawmsg.SOL_SOCKET && c.Type == typ }

// uint32At reads the number at byte i of the data.
func (c Control) uint32At(i int) uint32 { return cmsg.Native.Uint32(c.Data[i:]) }
