package main

import (
	"encoding/binary"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// goFloor is what Go itself costs: rawmsg's inlined call, with nothing around it
// but the stores that C's loop makes as well. It knows what comes, as C's does.
func goFloor(sock int, fds []int) (*way, error) {
	k, n := newKeeper(), len(fds)
	payload, control := make([]byte, 1), make([]byte, rawmsgSpace(n))
	iov := rawmsg.Iovec{Base: &payload[0], Len: 1}
	hdr := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: &control[0]}
	recv := func() error {
		hdr.Controllen = uintptr(len(control))
		if _, errno := rawmsg.RecvmsgOnce(sock, &hdr, rawmsg.MSG_CMSG_CLOEXEC); errno != 0 {
			return errno
		}
		start := len(k.fds)
		k.fds = k.fds[:start+n]
		for i := range k.fds[start:] {
			k.fds[start+i] = int(binary.NativeEndian.Uint32(control[syscall.CmsgLen(4*i):]))
		}
		return nil
	}
	out := syscall.UnixRights(fds...)
	outHdr := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: &out[0], Controllen: uintptr(len(out))}
	return &way{
		recvKeep: recv,
		recvClose: func() error {
			if err := recv(); err != nil {
				return err
			}
			return k.close()
		},
		closeKept: k.close,
		send: func() error {
			if _, errno := rawmsg.SendmsgOnce(sock, &outHdr, rawmsg.MSG_NOSIGNAL); errno != 0 {
				return errno
			}
			return nil
		},
	}, nil
}

func rawmsgSpace(n int) int { return syscall.CmsgSpace(4 * n) }
