package main

import (
	"encoding/binary"
	"net"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// bareLoop is what Go itself costs: rawmsg's inlined call, with nothing around it
// but the stores that C's loop makes as well. It knows what comes, as C's does.
type bareLoop struct {
	*keeper
	n       int // descriptors in a message
	payload [1]byte
	control []byte
	iov     rawmsg.Iovec
	in, out rawmsg.Msghdr
	errno   syscall.Errno
}

func newBareLoop(fds []int, k *keeper) *bareLoop {
	b := &bareLoop{keeper: k, n: len(fds), control: make([]byte, syscall.CmsgSpace(4*len(fds)))}
	b.iov = rawmsg.Iovec{Base: &b.payload[0], Len: 1}
	b.in = rawmsg.Msghdr{Iov: &b.iov, Iovlen: 1, Control: &b.control[0]}
	rights := syscall.UnixRights(fds...)
	b.out = rawmsg.Msghdr{Iov: &b.iov, Iovlen: 1, Control: &rights[0], Controllen: uintptr(len(rights))}
	return b
}

// keep keeps the descriptors of a message.
func (b *bareLoop) keep() {
	start := len(b.fds)
	b.fds = b.fds[:start+b.n]
	for i := range b.fds[start:] {
		b.fds[start+i] = int(binary.NativeEndian.Uint32(b.control[syscall.CmsgLen(4*i):]))
	}
}

// way returns b as the way of a row.
func (b *bareLoop) way(recv, send func() error) *way {
	return &way{
		recvKeep: recv,
		recvClose: func() error {
			if err := recv(); err != nil {
				return err
			}
			return b.close()
		},
		closeKept: b.close,
		send:      send,
	}
}

// goFloor calls on a bare descriptor.
func goFloor(sock int, fds []int) (*way, error) {
	b := newBareLoop(fds, newKeeper())
	return b.way(func() error {
		b.in.Controllen = uintptr(len(b.control))
		if _, errno := rawmsg.RecvmsgOnce(sock, &b.in, rawmsg.MSG_CMSG_CLOEXEC); errno != 0 {
			return errno
		}
		b.keep()
		return nil
	}, func() error {
		if _, errno := rawmsg.SendmsgOnce(sock, &b.out, rawmsg.MSG_NOSIGNAL); errno != 0 {
			return errno
		}
		return nil
	}), nil
}

// goConnFloor calls as package net lets others do it: with its lock held, and with
// its poller where the call would have to wait.
func goConnFloor(conn *net.UnixConn, fds []int) (*way, error) {
	return newBareLoop(fds, newKeeper()).onConn(conn)
}

func (b *bareLoop) onConn(conn *net.UnixConn) (*way, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	const recvFlags, sendFlags = rawmsg.MSG_CMSG_CLOEXEC | rawmsg.MSG_DONTWAIT, rawmsg.MSG_NOSIGNAL | rawmsg.MSG_DONTWAIT
	recv := func(fd uintptr) bool {
		_, b.errno = rawmsg.RecvmsgOnce(int(fd), &b.in, recvFlags)
		return b.errno != syscall.EAGAIN
	}
	send := func(fd uintptr) bool {
		_, b.errno = rawmsg.SendmsgOnce(int(fd), &b.out, sendFlags)
		return b.errno != syscall.EAGAIN
	}
	return b.way(func() error {
		b.in.Controllen = uintptr(len(b.control))
		if err := raw.Read(recv); err != nil {
			return err
		}
		if b.errno != 0 {
			return b.errno
		}
		b.keep()
		return nil
	}, func() error {
		if err := raw.Write(send); err != nil {
			return err
		}
		if b.errno != 0 {
			return b.errno
		}
		return nil
	}), nil
}
