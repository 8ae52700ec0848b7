package fdpass

import "example.com/fdpass/rawmsg"

// What the kernel reads and writes in a call.
type (
	msghdr  = rawmsg.Msghdr
	mmsghdr = rawmsg.Mmsghdr
	iovec   = rawmsg.Iovec
)

// fillHeader fills in a header with one piece of payload and the buffers for
// everything else. It is done before each call, since recvmsg(2) writes into
// the lengths and the flags.
func fillHeader(h *msghdr, iov *iovec, control, name []byte) {
	h.Name, h.Namelen = start(name), uint32(len(name))
	h.Iov, h.Iovlen = iov, 1
	h.Control, h.Controllen = start(control), uintptr(len(control))
	h.Flags = 0
}

// start points to where a slice begins. It is nil for an empty one.
func start[T any](s []T) *T {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

// setPiece makes iov describe a payload, or one piece of it.
func setPiece(iov *iovec, p []byte) {
	iov.Base, iov.Len = start(p), uintptr(len(p))
}

// setPieces makes h point to all pieces of a payload.
func setPieces(h *msghdr, iovs []iovec) {
	h.Iov, h.Iovlen = start(iovs), uintptr(len(iovs))
}

// appendIovecs appends an Iovec for each piece of a payload, without the first
// skip bytes, which have been sent already. Empty pieces need none.
func appendIovecs(iovs []iovec, skip int, first []byte, more [][]byte) []iovec {
	for i := -1; i < len(more); i++ {
		p := first
		if i >= 0 {
			p = more[i]
		}
		if skip >= len(p) {
			skip -= len(p)
			continue
		}
		iovs = append(iovs, iovec{})
		setPiece(&iovs[len(iovs)-1], p[skip:])
		skip = 0
	}
	return iovs
}
