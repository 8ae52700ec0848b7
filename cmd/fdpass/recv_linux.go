package main

import (
	"io"
	"net"
	"os"
	"syscall"
)

func (r *receiver) run(args []string) error {
	addr, err := r.parse(args)
	if err != nil {
		return err
	}
	if err := r.out.open(r.payload); err != nil {
		return err
	}
	in, err := r.open(addr)
	if err != nil {
		return err
	}
	defer in.Close()
	if r.many {
		return r.serve(in)
	}
	b, err := r.one(in)
	if err != nil {
		return err
	}
	in.Close() // the socket is gone before what follows, which may take long
	// The files are left to the end of the process, where no socket lingers.
	if len(r.cmd) > 0 {
		return r.become(b)
	}
	return r.show(nil, b)
}

// one is the descriptors of one connection.
func (r *receiver) one(in *source) (b batch, err error) {
	if in.listener != nil {
		return r.first(in.listener)
	}
	s, err := r.newSession(in.conn, in.ours)
	if err != nil {
		return b, err
	}
	defer s.in.Close()
	return s.gather(deadline(r.timeout))
}

// serve delivers one batch after another.
func (r *receiver) serve(in *source) error {
	if in.listener != nil {
		return r.all(in.listener)
	}
	s, err := r.newSession(in.conn, in.ours)
	if err != nil {
		return err
	}
	defer s.in.Close()
	err = s.deliverAll()
	if err == io.EOF {
		return nil
	}
	return err
}

// source is where messages come from: a connection or a datagram socket, or a
// listener's connections.
type source struct {
	listener *net.UnixListener // or nil
	conn     *net.UnixConn     // or nil
	ours     bool              // nobody else receives from conn
	close    func() error      // of what was made here, or nil
}

// Close may be called twice.
func (s *source) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.close != nil {
		s.close()
	}
}

func (r *receiver) open(addr address) (*source, error) {
	switch {
	case addr.fd >= 0:
		return r.openInherited(addr)
	case r.connect:
		conn, err := addr.dial(r.wait, deadline(r.timeout))
		if err != nil {
			return nil, err
		}
		return &source{conn: conn, ours: true}, nil
	}
	l, err := listen(addr.name, socketTypes[r.typ], r.access, makePrivate)
	if err != nil {
		return nil, err
	}
	return &source{listener: l.UnixListener, conn: l.datagrams, ours: true, close: l.Close}, nil
}

// openInherited takes the socket away from CMD, whose descriptors are only those
// that it is sent, and its standard ones.
func (r *receiver) openInherited(addr address) (*source, error) {
	conn, l, err := addr.inherit()
	if err != nil {
		return nil, err
	}
	if len(r.cmd) > 0 {
		err = letGo(addr.fd)
	}
	switch {
	case err != nil:
		return nil, err
	case l != nil:
		return &source{listener: l.UnixListener, close: l.Close}, nil
	}
	return &source{conn: conn}, nil
}

// letGo keeps programs that this process starts from having fd. In the place of a
// standard descriptor they have /dev/null.
func letGo(fd int) error {
	if fd > 2 {
		syscall.CloseOnExec(fd)
		return nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return control(null, func(n int) error { return os.NewSyscallError("dup3", syscall.Dup3(n, fd, 0)) })
}
