package fdpass

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// Socket is the bare descriptor of a socket, as a [syscall.Conn] for the
// functions of this package. Calls on it block as the descriptor does: in the
// kernel, where no deadline and no context ends the wait, unless the descriptor
// is nonblocking (EAGAIN) or has SO_RCVTIMEO or SO_SNDTIMEO set (EAGAIN as well,
// when that time has passed since the call or since the first signal that
// interrupted it). The descriptor stays the caller's, who must not close it during a call.
type Socket int

// SyscallConn implements [syscall.Conn]. It never fails.
func (s Socket) SyscallConn() (syscall.RawConn, error) { return bare(s), nil }

// bare calls back at once, since the kernel does the waiting.
type bare int

func (fd bare) Control(f func(fd uintptr)) error    { f(uintptr(fd)); return nil }
func (fd bare) Read(f func(fd uintptr) bool) error  { f(uintptr(fd)); return nil }
func (fd bare) Write(f func(fd uintptr) bool) error { f(uintptr(fd)); return nil }

// Pair makes a connected pair of sockets, as socketpair(2) does. The network is
// "unix" (a stream), "unixgram" or "unixpacket", as in package net. The caller
// closes both ends. Both are close-on-exec. Errors are an unknown network
// (EINVAL) and what socketpair(2) returns.
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
// socket, such as one that a parent process left open. It takes the descriptor
// over: the number is closed when NewUnixConn succeeds, and the connection has
// its own. On an error the descriptor stays the caller's.
//
// The connection's open file description becomes nonblocking, also for other
// processes that share it. Errors are [ErrNotUnix], EBADF, ENOTSOCK, and what
// [net.FileConn] returns.
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
