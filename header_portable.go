//go:build darwin || dragonfly || freebsd || netbsd || openbsd || (linux && fdpass_portable)

package fdpass

import (
	"runtime"
	"slices"
)

const portable = true

// firstByte says that the descriptors of a read on a stream belong to its first
// byte. These systems keep control messages in front of the payload that they were
// sent with, end a read in front of one, and not with the end of that payload
// (soreceive in sys/kern/uipc_socket.c of each).
const firstByte = runtime.GOOS != "linux"

// msghdr is what a call needs, under the names of Linux's struct. The kernel never
// sees it: recvmsg and sendmsg translate it. Control messages, addresses and flags
// in it are those of Linux, so that everything else of the package knows only one
// form.
type msghdr struct {
	iov           *iovec  // the payload in one piece, or nil
	iovs          []iovec // the payload in several pieces, if iov is nil
	name, control []byte
	Namelen       uint32
	Controllen    uintptr
	Flags         int32

	oob []byte // the control buffer in the form of this system
}

type mmsghdr struct {
	Hdr   msghdr
	Len   uint32
	later error // for the next call; see recvmmsg
}

type iovec []byte

func fillHeader(h *msghdr, iov *iovec, control, name []byte) {
	h.iov, h.iovs = iov, nil
	h.name, h.Namelen = name, uint32(len(name))
	h.control, h.Controllen = control, uintptr(len(control))
	h.Flags = 0
}

func setPiece(iov *iovec, p []byte) { *iov = p }

func setPieces(h *msghdr, iovs []iovec) { h.iov, h.iovs = nil, iovs }

// payload returns the payload in one piece, since package syscall takes no other.
func (h *msghdr) payload() []byte {
	switch {
	case h.iov != nil:
		return *h.iov
	case len(h.iovs) == 1:
		return h.iovs[0]
	}
	return slices.Concat(h.iovs...)
}
