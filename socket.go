package fdpass

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// Socket is the bare descriptor of a socket, as a [syscall.Conn] for the functions
// of this package. The descriptor stays the caller's, and must not be closed during
// a call.
//
// Calls on a Socket wait in the kernel, where no deadline and no context ends the
// wait. If the descriptor is nonblocking, they do not wait: the error is EAGAIN. It
// is EAGAIN as well when the time of SO_RCVTIMEO or SO_SNDTIMEO has passed since
// the call, or since the first signal that interrupted the call; socket(7).
type Socket int

// SyscallConn implements [syscall.Conn]. It never fails.
func (s Socket) SyscallConn() (syscall.RawConn, error) { return bare(s), nil }

// bare is the [syscall.RawConn] of a Socket. It calls the functions that it is given
// at once, since the kernel does the waiting.
type bare int

func (fd bare) Control(f func(fd uintptr)) error    { f(uintptr(fd)); return nil }
func (fd bare) Read(f func(fd uintptr) bool) error  { f(uintptr(fd)); return nil }
func (fd bare) Write(f func(fd uintptr) bool) error { f(uintptr(fd)); return nil }

// Pair makes a connected pair of sockets, as socketpair(2) does. The network is
// "unix" (a stream), "unixgram" or "unixpacket", as in package net. The caller
// closes both ends. Both are close-on-exec. The error is EINVAL for an unknown
// network, or that of socketpair(2).
func Pair(network string) (a, b *net.UnixConn, err error) {
	typ, ok := map[string]int{
		"unix":       syscall.SOCK_STREAM,
		"unixgram":   syscall.SOCK_DGRAM,
		"unixpacket": syscall.SOCK_SEQPACKET,
	}[network]
	if !ok {
		return nil, nil, errArgument("network %q", network)
	}
	fds, err := socketpair(typ)
	if err != nil {
		return nil, nil, err
	}
	if a, err = NewUnixConn(fds[0]); err != nil {
		CloseFDs(fds[:])
		return nil, nil, err
	}
	if b, err = NewUnixConn(fds[1]); err != nil {
		a.Close()
		closeFD(fds[1])
		return nil, nil, err
	}
	return a, b, nil
}

// NewUnixConn makes a connection of package net from the descriptor of a Unix
// socket, for example from one that the process inherited from its parent. If it
// succeeds, it closes fd, and the connection has a descriptor of its own. On an
// error fd stays open and the caller's.
//
// The connection's open file description becomes nonblocking, also for other
// processes that share it. The error matches [ErrNotUnix] for another kind of
// socket, and EBADF or ENOTSOCK for a number that is no socket. Other errors are
// those of [net.FileConn].
func NewUnixConn(fd int) (*net.UnixConn, error) {
	if _, err := open(Socket(fd)); err != nil {
		return nil, err
	}
	dup, err := duplicate(fd)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(dup), "socket")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("fdpass: %w", err)
	}
	closeFD(fd)
	return c.(*net.UnixConn), nil
}
