package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// address is the SOCKET of a command line: a path or @name, or fd:N.
type address struct {
	name string
	fd   int // the N of fd:N, or -1
}

// maxPath is the longest path that sockaddr_un holds with its final zero, and the
// longest abstract name, which has a zero in front.
const maxPath = 107

func parseAddress(s string) (address, error) {
	switch {
	case s == "" || s == "@":
		return address{}, usagef("the address of the socket is empty")
	case strings.HasPrefix(s, "fd:"):
		fd, err := parseFD(s)
		return address{s, fd}, err
	case len(strings.TrimPrefix(s, "@")) > maxPath:
		return address{}, usagef("%q has %d bytes, and the address of a Unix socket holds %d",
			s, len(strings.TrimPrefix(s, "@")), maxPath)
	}
	return address{s, -1}, nil
}

// dial connects to the socket, or makes the inherited one a connection.
func (a address) dial(wait bool, end time.Time) (*net.UnixConn, error) {
	if a.fd >= 0 {
		conn, l, err := a.inherit()
		if l != nil {
			l.Close()
			err = fmt.Errorf("%s: is listening, not connected", a.name)
		}
		return conn, err
	}
	for {
		conn, err := dialAnyType(a.name)
		if err == nil || !again(err, wait) {
			return conn, err
		}
		if pause := 20 * time.Millisecond; end.IsZero() || time.Until(end) > pause {
			time.Sleep(pause)
			continue
		}
		return nil, fmt.Errorf("timed out: %w", err)
	}
}

// again reports whether to try to connect once more. EAGAIN is a listener whose
// queue is full; the others are one that has not got there yet.
func again(err error, wait bool) bool {
	return errors.Is(err, syscall.EAGAIN) ||
		wait && (errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED))
}

// dialAnyType connects with the type of socket that is there. The error is that of
// this type: EPROTOTYPE only says that a socket is of another one. On gVisor, that
// is ECONNREFUSED. It needs no deadline: where connecting to a Unix socket would have
// to wait, it is EAGAIN.
func dialAnyType(name string) (*net.UnixConn, error) {
	var failed error
	for _, network := range []string{"unix", "unixpacket", "unixgram"} {
		c, err := net.Dial(network, name)
		if err == nil {
			return c.(*net.UnixConn), nil
		}
		if failed == nil || errors.Is(failed, syscall.EPROTOTYPE) {
			failed = err
		}
		if !errors.Is(err, syscall.EPROTOTYPE) && !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return nil, failed
}

// inherit makes fd:N a connection or a listener.
func (a address) inherit() (*net.UnixConn, *borrowed, error) {
	f, err := inherited(a.fd, a.name)
	if err != nil {
		return nil, nil, err
	}
	b := &borrowed{file: f}
	defer func() {
		if b.UnixListener == nil { // a connection, of which package net has made a duplicate, or an error
			f.Close()
		}
	}()
	var listening bool
	err = control(f, func(fd int) error {
		if listening, err = unixSocket(fd); err != nil {
			return err
		}
		b.flags, err = fcntl(fd, syscall.F_GETFL, 0)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", a.name, err)
	}
	if !listening {
		conn, err := fileConn(f, b.flags)
		return conn, nil, err
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, nil, err
	}
	b.UnixListener = l.(*net.UnixListener)
	return nil, b, nil
}

// fileConn is net.FileConn, after which the open file has its flags again.
// FileConn makes it nonblocking for everyone who shares it, such as the program
// that started this one; and nothing here needs that, since each message is
// sent and received with MSG_DONTWAIT.
func fileConn(f *os.File, flags int) (*net.UnixConn, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	conn := c.(*net.UnixConn)
	if err := setFlags(conn, flags); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// borrowed is a listener that others have, too. It has to be nonblocking to
// accept with a deadline, and gets its flags back in the end.
type borrowed struct {
	*net.UnixListener
	file  *os.File // the same socket, under another number
	flags int
}

// Close puts the flags back when nobody accepts any longer: an accept(2) that
// begins on a blocking socket would never end.
func (b *borrowed) Close() error {
	err := b.UnixListener.Close()
	setFlags(b.file, b.flags) // fails when it is closed already
	b.file.Close()
	return err
}

// setFlags sets the flags of an open file, O_NONBLOCK among them.
func setFlags(conn syscall.Conn, flags int) error {
	return control(conn, func(fd int) error {
		_, err := fcntl(fd, syscall.F_SETFL, flags)
		return err
	})
}

// unixSocket reports whether a Unix socket is listening, and of anything else
// what it is.
func unixSocket(fd int) (listening bool, err error) {
	d, err := describe(fd)
	if err != nil {
		return false, err
	}
	if !strings.HasPrefix(d.kind, "unix") {
		return false, fmt.Errorf("is no Unix socket: %s %s", d.kind, d.what)
	}
	n, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return n != 0, os.NewSyscallError("getsockopt", err)
}
