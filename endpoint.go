package fdpass

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// FD is a bare descriptor of a socket, as a [syscall.Conn] for the functions of
// this package. Calls on it block as the descriptor does: in the kernel, which
// no deadline and no context ends, unless it is nonblocking (EAGAIN) or has
// SO_RCVTIMEO or SO_SNDTIMEO set. The descriptor stays the caller's, who must
// not close it while a call is on.
type FD int

// SyscallConn implements [syscall.Conn].
func (fd FD) SyscallConn() (syscall.RawConn, error) { return bare(fd), nil }

// bare calls back at once, since the kernel does the waiting.
type bare int

func (fd bare) Control(f func(fd uintptr)) error    { f(uintptr(fd)); return nil }
func (fd bare) Read(f func(fd uintptr) bool) error  { f(uintptr(fd)); return nil }
func (fd bare) Write(f func(fd uintptr) bool) error { f(uintptr(fd)); return nil }

// endpoint is one end of a Unix socket, and how to wait for it.
type endpoint struct {
	conn syscall.Conn
	raw  syscall.RawConn
	wait int // MSG_DONTWAIT where Go's poller does the waiting, 0 where the kernel does
	typ  int // SOCK_STREAM, …, or 0 as long as nobody has asked; see kind
}

// open finds out what conn is.
func open(conn syscall.Conn) (e endpoint, err error) {
	if isNil(conn) {
		return e, errArgument("no connection")
	}
	if errSystem != nil {
		return e, errSystem
	}
	e = endpoint{conn: conn, wait: msgDontwait}
	if e.raw, err = conn.SyscallConn(); err != nil {
		return e, fmt.Errorf("fdpass: %w", err)
	}
	switch c := conn.(type) {
	case *net.UnixConn: // a Unix socket for sure, and nonblocking
		if err := e.raw.Control(func(uintptr) {}); err != nil { // closed
			return e, fmt.Errorf("fdpass: %w", err)
		}
		return e, nil
	case FD:
		e.wait = 0
		return e, checkUnix(int(c))
	}
	return inspect(e)
}

// inspect asks the kernel what a connection of an unknown kind is.
func inspect(e endpoint) (endpoint, error) {
	err := e.control(func(fd int) error {
		if _, ok := e.conn.(*os.File); ok && blocks(fd) { // then the poller does not have it
			e.wait = 0
		}
		return checkUnix(fd)
	})
	return e, err
}

// isNil finds out about nil pointers too, with which package net panics.
func isNil(conn syscall.Conn) bool {
	switch c := conn.(type) {
	case nil:
		return true
	case *net.UnixConn:
		return c == nil
	case *os.File:
		return c == nil
	}
	return false
}

// kind is the type of the socket, SOCK_STREAM and so on. Most calls can do
// without it, and so without the system call that finds it out.
func (e *endpoint) kind() int {
	if e.typ == 0 {
		e.control(func(fd int) (err error) {
			e.typ, err = getsockopt(fd, soType)
			return err
		})
	}
	return e.typ
}

// control runs f with the descriptor, which stays open as long.
func (e *endpoint) control(f func(fd int) error) error {
	var err error
	if cerr := e.raw.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return e.connError(cerr)
	}
	return err
}

// read has f called with the descriptor until it returns true, waiting for
// something to read in between.
func (e *endpoint) read(f func(fd uintptr) bool) error {
	if err := e.raw.Read(f); err != nil {
		return e.connError(err)
	}
	return nil
}

// write is read for writing.
func (e *endpoint) write(f func(fd uintptr) bool) error {
	if err := e.raw.Write(f); err != nil {
		return e.connError(err)
	}
	return nil
}

// again tells whether a call has to wait and be made once more.
func (e *endpoint) again(err error) bool {
	return err == syscall.EAGAIN && e.wait != 0
}

// connError is what a connection says that was closed or whose deadline is
// over. A closed [*os.File] says something that matches no exported error.
func (e *endpoint) connError(err error) error {
	if f, ok := e.conn.(*os.File); ok && !errors.Is(err, os.ErrDeadlineExceeded) {
		if _, serr := f.Stat(); errors.Is(serr, os.ErrClosed) {
			err = net.ErrClosed
		}
	}
	return fmt.Errorf("fdpass: %w", err)
}
