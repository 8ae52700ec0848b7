//go:build darwin || dragonfly || freebsd || netbsd || openbsd || (linux && fdpass_portable)

package fdpass

import (
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// oobRoom is room for more descriptors than a message can carry on any of these
// systems, so that no kernel ever has to shorten a control message. FreeBSD,
// OpenBSD and macOS keep one in an mbuf cluster of 2048 bytes (unp_internalize in
// sys/kern/uipc_usrreq.c, sockargs in bsd/kern/uipc_syscalls.c).
const oobRoom = 16 << 10

// receive receives a message without waiting. No program is started between the
// moment when descriptors arrive and the one when they are close-on-exec.
func (h *msghdr) receive(fd int) (n int, err error) {
	if h.oob == nil {
		h.oob = make([]byte, oobRoom)
	}
	p := h.payload()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	n, oobn, flags, from, err := recvmsgAgain(fd, p, h.oob)
	if n < 0 {
		if noPlace(err) {
			h.set(nil, nil, rawmsg.MSG_CTRUNC)
			return 0, nil
		}
		return 0, err
	}
	fds, whole := parseRights(h.oob[:oobn], cutIsOpen)
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	got := linuxFlags(flags)
	if !whole {
		got |= rawmsg.MSG_CTRUNC
	}
	if n > len(p) { // package syscall reads a byte in any case
		n, got = len(p), got|rawmsg.MSG_TRUNC
	}
	h.set(fds, from, got)
	return n, nil
}

// recvmsgAgain is recvmsg(2). If n is not negative, a message was received, and
// an error is about its sender's address.
func recvmsgAgain(fd int, p, oob []byte) (n, oobn, flags int, from syscall.Sockaddr, err error) {
	for {
		n, oobn, flags, from, err = syscall.Recvmsg(fd, p, oob, syscall.MSG_DONTWAIT)
		if n >= 0 || err != syscall.EINTR {
			return n, oobn, flags, from, err
		}
	}
}

// set writes what came into the header, as recvmsg(2) does on Linux. Descriptors
// for which there is no room are closed.
func (h *msghdr) set(fds []int, from syscall.Sockaddr, flags int32) {
	room := min(max((len(h.control)-CmsgLen(0))/intLen, 0), rawmsg.SCM_MAX_FD)
	if len(fds) > room {
		closeUnwanted(fds[room:])
		fds, flags = fds[:room], flags|rawmsg.MSG_CTRUNC
	}
	h.Controllen, h.Namelen, h.Flags = 0, 0, flags
	if len(fds) > 0 {
		h.Controllen = uintptr(min(len(AppendRights(h.control[:0], fds...)), len(h.control)))
	}
	if a, ok := from.(*syscall.SockaddrUnix); ok && a.Name != "" && len(h.name) > 0 {
		name, _ := appendSockaddr(h.name[:0], &net.UnixAddr{Name: a.Name})
		h.Namelen = uint32(len(name))
	}
}

// noPlace reports whether recvmsg failed because the descriptor table is full.
// Linux installs as many descriptors as the table has places for. These systems
// install none: the call fails, and the descriptors are lost. On a stream the
// payload stays for the next call. The error is EMSGSIZE on macOS, NetBSD,
// OpenBSD, DragonFly and FreeBSD before 12, and EMFILE on later ones
// (unp_externalize in uipc_usrreq.c of each). OpenBSD has EMSGSIZE also for a
// control buffer that is too short, which oobRoom never is.
func noPlace(err error) bool {
	return errors.Is(err, syscall.EMSGSIZE) || errors.Is(err, syscall.EMFILE)
}

// cutIsOpen says what the numbers in a rights message are if it did not fit into
// the control buffer, so that the kernel cut it. On macOS all of its descriptors
// are open, and cmsg_len is that of the whole message (unp_externalize installs all
// of them before recvmsg copies out what fits). FreeBSD and NetBSD close all of
// them (m_dispose_extcontrolm and free_rights in uipc_syscalls.c), so that each
// number may be somebody else's by now.
const cutIsOpen = runtime.GOOS == "darwin" || runtime.GOOS == "ios"

// parseRights returns the descriptors in a control buffer, and whether the buffer
// was complete. Package syscall's own parser is not right for this. It returns
// nothing if one message in the buffer is cut, so that the descriptors before it
// would be lost. And it panics on a header shorter than CMSG_LEN(0) and on rights
// that are not a whole number of ints.
func parseRights(b []byte, cutIsOpen bool) (fds []int, whole bool) {
	for len(b) >= syscall.CmsgLen(0) {
		var h syscall.Cmsghdr
		_, err := binary.Decode(b, binary.NativeEndian, &h)
		if err != nil || uint64(h.Len) < uint64(syscall.CmsgLen(0)) {
			return fds, false
		}
		cut := uint64(h.Len) > uint64(len(b))
		end := int(min(uint64(h.Len), uint64(len(b))))
		data := b[syscall.CmsgLen(0):end]
		if h.Level == syscall.SOL_SOCKET && h.Type == syscall.SCM_RIGHTS && (!cut || cutIsOpen) {
			all, _ := appendInts(nil, data)
			all, _ = dropErrnos(all, 0, 0)
			fds = append(fds, all...)
		}
		if cut {
			return fds, false
		}
		b = b[min(syscall.CmsgSpace(len(data)), len(b)):]
	}
	return fds, true
}
