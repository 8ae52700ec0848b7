package fdpass

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// endpoint is one end of a Unix socket, and how to wait for it.
type endpoint struct {
	conn   syscall.Conn
	raw    syscall.RawConn
	bare   bool // whether the connection is only a descriptor, which is fd
	fd     int
	later  bool            // whether nobody has asked yet if it is a Unix socket; see openLater
	wait   int             // MSG_DONTWAIT where Go's poller does the waiting, 0 where the kernel does
	typ    int             // SOCK_STREAM and so on, or 0 if not yet known; see kind
	shared *lease          // what the connection's users share, or nil
	ctx    context.Context // that of the current call, or nil
}

// open finds out what conn is.
func open(conn syscall.Conn) (e endpoint, err error) {
	if isNil(conn) {
		return e, errArgument("no connection")
	}
	if errSystem != nil {
		return e, errSystem
	}
	if sock, ok := conn.(Socket); ok {
		return openSocket(int(sock))
	}
	e = endpoint{conn: conn, wait: rawmsg.MSG_DONTWAIT}
	if e.raw, err = conn.SyscallConn(); err != nil {
		return e, fmt.Errorf("fdpass: %w", err)
	}
	if _, ok := conn.(*net.UnixConn); ok { // certainly a Unix socket, and nonblocking
		if err := e.raw.Control(func(uintptr) {}); err != nil { // it is closed
			return e, e.connError(err)
		}
		return e, nil
	}
	return e, e.control(checkUnix)
}

// openSocket is open for a bare descriptor.
func openSocket(fd int) (endpoint, error) {
	e := endpoint{bare: true, fd: fd}
	if err := checkNumber(fd); err != nil {
		return e, err
	}
	return e, checkUnix(fd)
}

// checkNumber returns EBADF for a number that the kernel would cut to a C int.
func checkNumber(fd int) error {
	if errSystem != nil {
		return errSystem
	}
	if fd != int(int32(fd)) {
		return fmt.Errorf("fdpass: socket %d: %w", fd, syscall.EBADF)
	}
	return nil
}

// isNil reports whether there is no connection. It finds nil pointers, too,
// with which package net panics.
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

// kind returns the type of the socket, SOCK_STREAM and so on. It asks the kernel
// when it is called for the first time, since most calls do not need the type.
func (e *endpoint) kind() (typ int, err error) {
	if e.typ == 0 {
		err = e.control(func(fd int) (err error) {
			e.typ, err = getsockopt(fd, rawmsg.SO_TYPE)
			return os.NewSyscallError("getsockopt SO_TYPE", err)
		})
	}
	return e.typ, err
}

// control calls f with the descriptor, which stays open until f returns.
func (e *endpoint) control(f func(fd int) error) error {
	if e.bare {
		return f(e.fd)
	}
	err := errNotCalled
	cerr := e.raw.Control(func(fd uintptr) { err = f(int(fd)) })
	if cerr != nil {
		return e.connError(cerr)
	}
	return err
}

// waits reports whether a call with these flags that got EAGAIN has to be made
// again when the poller says so. It has not, if the caller wanted one try or if the
// kernel does the waiting.
func (e *endpoint) waits(flags int) bool {
	return e.wait != 0 && flags&rawmsg.MSG_DONTWAIT == 0
}

// read calls f with the descriptor until it returns true, and waits for
// something to read in between.
func (e *endpoint) read(f func(fd uintptr) bool) error {
	if e.bare {
		f(uintptr(e.fd))
		return nil
	}
	before := restores.Load()
	return e.resume(reading, before, e.raw.Read(f), f)
}

// once is read for one try. It does not wait for Go's lock either, which another call
// keeps while it waits, and no deadline matters to it.
func (e *endpoint) once(f func(fd uintptr)) error {
	if err := e.raw.Control(f); err != nil {
		return e.connError(err)
	}
	return nil
}

// write is read for writing.
func (e *endpoint) write(f func(fd uintptr) bool) error {
	if e.bare {
		f(uintptr(e.fd))
		return nil
	}
	before := restores.Load()
	return e.resume(writing, before, e.raw.Write(f), f)
}

// resume follows a wait that ended with err. If the context of another call ended
// it, resume waits again. If the connection is a file that is not in the poller, the
// kernel does the waiting from then on. before is what restores was before the
// wait.
func (e *endpoint) resume(dir direction, before uint64, err error, f func(fd uintptr) bool) error {
	for err != nil {
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && e.connection().resumes(e.ctx, dir, before):
		case e.wait != 0 && e.unpolled(err):
			e.wait = 0
		default:
			return e.connError(err)
		}
		before = restores.Load()
		if dir == reading {
			err = e.raw.Read(f)
		} else {
			err = e.raw.Write(f)
		}
	}
	return nil
}

// unpolled reports whether a wait failed because an [*os.File] is not in Go's
// poller. Package os has no exported error for it, and the file's O_NONBLOCK does
// not show it: any holder of the open file description can change that.
func (e *endpoint) unpolled(err error) bool {
	f, ok := e.conn.(*os.File)
	if !ok || errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	_, serr := f.Stat()
	return serr == nil
}

// connError returns the error of a connection that was closed or whose deadline has
// passed. A closed [*os.File] returns one that matches no exported error.
func (e *endpoint) connError(err error) error {
	if f, ok := e.conn.(*os.File); ok && !errors.Is(err, os.ErrDeadlineExceeded) {
		if _, serr := f.Stat(); errors.Is(serr, os.ErrClosed) {
			err = net.ErrClosed
		}
	}
	return fmt.Errorf("fdpass: %w", err)
}

// atEnd reports whether the next receive would find the end, or an empty message.
// Without a control buffer, a peek makes no descriptors. It has room for a byte,
// since gVisor does not look at the queue without any.
func (e *endpoint) atEnd() bool {
	n, err := 0, error(nil)
	cerr := e.control(func(fd int) error {
		var h msghdr
		iovs := make([]iovec, 1)
		setPiece(&iovs[0], make([]byte, 1))
		setPieces(&h, iovs)
		n, err = recvmsg(fd, &h, rawmsg.MSG_PEEK|rawmsg.MSG_DONTWAIT)
		if h.Flags&rawmsg.MSG_CTRUNC != 0 && kernelOf(fd) != gVisor {
			n = 1 // there were descriptors, or credentials
		}
		return nil
	})
	return cerr != nil || n == 0 && err == nil
}

// hungUp reports whether the peer will send no more, or the kernel does not say.
func (e *endpoint) hungUp() (is bool) {
	err := e.control(func(fd int) (err error) {
		is, err = rawmsg.HungUp(fd)
		return err
	})
	return is || err != nil
}

// queued returns how many bytes all messages in the queue of a seqpacket socket have
// together, or 0 if the kernel does not say.
func (e *endpoint) queued() (n int) {
	e.control(func(fd int) error {
		n, _ = rawmsg.Queued(fd)
		return nil
	})
	return n
}

// goesOn reports whether a seqpacket connection on which something empty came has not
// ended.
func (e *endpoint) goesOn() bool { return e.lives() || !e.atEnd() || e.queued() > 0 }

// lives reports whether the peer may send more. Then what is empty is a message.
// gVisor has no empty messages, and not every version says whether a peer has hung up.
func (e *endpoint) lives() bool { return !portable && !e.hungUp() && !e.onGVisor() }

// onGVisor reports whether the socket is one of gVisor's.
func (e *endpoint) onGVisor() (is bool) {
	e.control(func(fd int) error {
		is = kernelOf(fd) == gVisor
		return nil
	})
	return is
}

// isEnd reports whether a message is the end of the connection. The end of a
// seqpacket connection of gVisor has credentials of nobody if SO_PASSCRED is on. On
// Linux that is an empty message, which was sent before the option was on.
func (e *endpoint) isEnd(m *message) bool {
	return m.isEnd() || m.typ == rawmsg.SOCK_SEQPACKET && m.isFromNobody() && e.onGVisor()
}
