//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd && !(linux && fdpass_portable)

package fdpass

import "example.com/fdpass/rawmsg"

// portable says that messages go through package syscall, as on systems other
// than Linux.
const portable = false

// firstByte says that the descriptors of a read on a stream belong to its first
// byte. On Linux they belong to the last one.
const firstByte = false

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

// start returns a pointer to the beginning of a slice, or nil if the slice is empty.
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
