package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

func (r *receiver) run(args []string) error {
	addr, cmd, err := r.parse(args)
	if err != nil {
		return err
	}
	in, err := r.open(addr)
	if err != nil {
		return err
	}
	defer in.Close()
	if r.many {
		return r.serve(in, cmd)
	}
	b, err := r.gather(in)
	if err != nil {
		return err
	}
	defer closeAll(b.files)
	in.Close() // the socket is gone before what follows, which may take long
	if len(cmd) > 0 {
		return r.become(b.files, cmd)
	}
	return r.show(b)
}

func (r *receiver) parse(args []string) (addr address, cmd []string, err error) {
	if len(args) == 0 {
		return addr, nil, usagef("recv: SOCKET is needed; see fdpass recv -h")
	}
	if len(args) > 1 {
		if args[1] != "--" || len(args) == 2 {
			return addr, nil, usagef("recv: flags go before SOCKET, and -- CMD behind it: fdpass recv [flags] SOCKET -- CMD")
		}
		cmd = args[2:]
	}
	addr, err = parseAddress(args[0])
	switch {
	case err != nil:
	case r.n < 0:
		err = usagef("recv: -n %d", r.n)
	case cmd != nil && r.cat:
		err = usagef("recv: either -cat or CMD")
	case cmd == nil && (r.names != "" || r.block):
		err = usagef("recv: -names and -block are for CMD")
	case cmd == nil && addr.fd == 1:
		err = usagef("recv: fd:1 is where the output goes; use fd:0, or a CMD")
	}
	return addr, cmd, err
}

func (r *receiver) open(addr address) (*source, error) {
	switch {
	case addr.fd >= 0:
		conn, l, err := addr.inherit()
		if err != nil {
			return nil, err
		}
		if l != nil {
			return &source{listener: l.UnixListener, close: l.Close}, nil
		}
		return &source{conn: conn}, nil
	case r.connect:
		conn, err := addr.dial(false, deadline(r.timeout))
		if err != nil {
			return nil, err
		}
		return &source{conn: conn}, nil
	}
	l, err := listen(addr.name)
	if err != nil {
		return nil, err
	}
	return &source{listener: l.UnixListener, close: l.Close}, nil
}

// source is where messages come from: one connection, or one after another
// that a listener accepts.
type source struct {
	listener *net.UnixListener // or nil
	conn     *net.UnixConn     // or nil, when the next is to be accepted
	close    func() error      // of the listener
	broken   bool              // the listener accepts no more
}

// Close may be called twice.
func (s *source) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.listener != nil {
		s.close()
	}
}

// receive receives the next message. Where there is a listener, a connection
// that has ended is no end.
func (s *source) receive(p []byte, max int, end time.Time) (n int, files []*os.File, err error) {
	for {
		if s.conn == nil {
			s.listener.SetDeadline(end)
			if s.conn, err = s.listener.AcceptUnix(); err != nil {
				s.broken = true
				return 0, nil, err
			}
		}
		if err := s.conn.SetReadDeadline(end); err != nil {
			return 0, nil, err
		}
		n, files, err = fdpass.RecvMsg(s.conn, p, max)
		if err == nil {
			return n, files, nil
		}
		if s.listener == nil {
			return n, nil, err
		}
		s.conn.Close()
		s.conn = nil
		if err != io.EOF {
			return n, nil, err
		}
	}
}

// batch is what is shown, or handed to a program, at once.
type batch struct {
	files []*os.File
	bytes int    // of payload that came with and before them
	data  []byte // the first of it, up to maxData
}

const maxData = 64 << 10

// gather receives -n descriptors, or as many as one message has.
func (r *receiver) gather(in *source) (b batch, err error) {
	end := deadline(r.timeout)
	p := make([]byte, maxData)
	for len(b.files) == 0 || len(b.files) < r.n {
		max := rawmsg.SCM_MAX_FD
		if r.n > 0 {
			max = min(max, r.n-len(b.files))
		}
		n, files, err := in.receive(p, max, end)
		b.files = append(b.files, files...)
		b.bytes += n
		b.data = append(b.data, p[:min(n, maxData-len(b.data))]...)
		if err != nil {
			closeAll(b.files)
			return b, r.explain(len(b.files), err)
		}
	}
	return b, nil
}

// explain says what an error of receive means here.
func (r *receiver) explain(got int, err error) error {
	came := "no descriptors came"
	if got > 0 {
		came = fmt.Sprintf("only %d of %d descriptors came", got, r.n)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s within %v: %w", came, r.timeout, os.ErrDeadlineExceeded)
	case err == io.EOF:
		return fmt.Errorf("%s before the end: %w", came, err)
	case errors.Is(err, fdpass.ErrTruncated) && r.n > 0:
		return fmt.Errorf("more than %d descriptors came: %w", r.n, err)
	}
	return err
}

// serve receives until the only connection ends. Where there is a listener,
// what goes wrong on one connection does not keep the next from being served.
func (r *receiver) serve(in *source, cmd []string) error {
	for served := 0; ; {
		b, err := r.gather(in)
		switch {
		case err == nil:
			served++
			err := r.deliver(b, cmd)
			closeAll(b.files)
			if err != nil {
				return err
			}
		case errors.Is(err, io.EOF) && served > 0 && len(b.files) == 0:
			return nil
		case in.listener == nil || in.broken || errors.Is(err, os.ErrDeadlineExceeded):
			return err
		default:
			fmt.Fprintf(os.Stderr, "fdpass: %v\n", message(err))
		}
	}
}

func (r *receiver) deliver(b batch, cmd []string) error {
	if len(cmd) > 0 {
		return r.start(b.files, cmd)
	}
	return r.show(b)
}

// show writes what came to stdout.
func (r *receiver) show(b batch) error {
	if !r.cat {
		return list(os.Stdout, b)
	}
	for _, f := range b.files {
		if _, err := io.Copy(os.Stdout, f); err != nil {
			return err
		}
	}
	return nil
}
