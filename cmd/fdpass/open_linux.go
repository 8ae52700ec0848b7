package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// openAll opens what the arguments of send name. Where one fails, those before
// it are returned with the error.
func openAll(names []string, write bool, end time.Time) (files []*os.File, err error) {
	for _, name := range names {
		f, err := open(name, write, end)
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func open(name string, write bool, end time.Time) (*os.File, error) {
	switch kind, rest, _ := strings.Cut(name, ":"); kind {
	case "fd":
		fd, err := parseFD(name)
		if err != nil {
			return nil, err
		}
		return inherited(fd, name)
	case "tcp":
		return dialTCP(name, rest, end)
	case "listen":
		return listenTCP(name, rest)
	}
	return openPath(name, write, end)
}

// openPath opens without os.Open, which makes pipes and terminals nonblocking
// for everyone who is going to have the descriptor. Opening can take long: a named
// pipe waits for its other end.
func openPath(name string, write bool, end time.Time) (*os.File, error) {
	flags := syscall.O_RDONLY
	if write {
		flags = syscall.O_RDWR
	}
	type opened struct {
		fd  int
		err error
	}
	done := make(chan opened)
	over := make(chan struct{})
	defer close(over)
	go func() {
		fd, err := openRetrying(name, flags|syscall.O_CLOEXEC|syscall.O_NOCTTY)
		select {
		case done <- opened{fd, err}:
		case <-over:
			syscall.Close(fd) // -1 after an error
		}
	}()
	var late <-chan time.Time // never
	if !end.IsZero() {
		late = time.After(time.Until(end))
	}
	select {
	case o := <-done:
		if o.err != nil {
			return nil, &os.PathError{Op: "open", Path: name, Err: o.err}
		}
		return os.NewFile(uintptr(o.fd), name), nil
	case <-late:
		err := fmt.Errorf("timed out: %w", os.ErrDeadlineExceeded)
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
}

func openRetrying(name string, flags int) (fd int, err error) {
	for {
		if fd, err = syscall.Open(name, flags, 0); err != syscall.EINTR {
			return fd, err
		}
	}
}

func dialTCP(name, rest string, end time.Time) (*os.File, error) {
	addr, err := hostPort(name, rest)
	if err != nil {
		return nil, err
	}
	// Package net turns keep-alives and TCP_NODELAY on. Who gets the
	// connection shall find it as connect(2) makes it.
	d := net.Dialer{Deadline: end, KeepAlive: -1}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer c.Close()
	conn := c.(*net.TCPConn)
	if err := conn.SetNoDelay(false); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return blocking(conn, name)
}

func listenTCP(name, rest string) (*os.File, error) {
	addr, err := hostPort(name, rest)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // plain TCP, which is what every program knows
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer l.Close()
	return blocking(l.(*net.TCPListener), name)
}

// hostPort reads HOST:PORT, where an IPv6 address may stand without brackets,
// as ssh's %h:%p gives it.
func hostPort(name, s string) (string, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || i == len(s)-1 {
		return "", usagef("%s: a port is missing", name)
	}
	host, port := s[:i], s[i+1:]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err != nil {
			return "", usagef("%s: neither a host nor an IPv6 address: %s", name, host)
		}
	}
	return net.JoinHostPort(host, port), nil
}

// blocking is a duplicate of a socket of package net, for somebody else to use
// while conn itself is closed. Package net made it nonblocking, and O_NONBLOCK
// belongs to the open file, not to the descriptor: whoever receives it would
// have it too, and a program that does not expect it fails with EAGAIN.
func blocking(conn syscall.Conn, name string) (f *os.File, err error) {
	err = control(conn, func(fd int) error {
		if err := syscall.SetNonblock(fd, false); err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		f, err = duplicate(fd, name)
		return err
	})
	return f, err
}

// inherited is a File for fd:N, with a duplicate of that descriptor. What this
// process was started with is not close-on-exec, or exec would have closed it;
// what the runtime has opened since is. Flags of the open file stay as they are.
func inherited(fd int, name string) (*os.File, error) {
	flags, err := fcntl(fd, syscall.F_GETFD, 0)
	if err != nil || flags&syscall.FD_CLOEXEC != 0 {
		return nil, fmt.Errorf("%s: fdpass was not started with this descriptor: %w", name, syscall.EBADF)
	}
	return duplicate(fd, name)
}

// duplicate duplicates a descriptor, close-on-exec.
func duplicate(fd int, name string) (*os.File, error) {
	dup, err := fcntl(fd, syscall.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return os.NewFile(uintptr(dup), name), nil
}

// parseFD reads fd:N.
func parseFD(s string) (int, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "fd:"), 10, 31)
	if err != nil {
		return 0, usagef("%s: a descriptor is written fd:N, N being a number from 0 on", s)
	}
	return int(n), nil
}

// control calls f with conn's descriptor, which stays open meanwhile.
func control(conn syscall.Conn, f func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// fcntl is fcntl(2) with a number as its argument.
func fcntl(fd, cmd, arg int) (int, error) {
	n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), uintptr(cmd), uintptr(arg))
	if errno != 0 {
		return 0, os.NewSyscallError("fcntl", errno)
	}
	return int(n), nil
}
