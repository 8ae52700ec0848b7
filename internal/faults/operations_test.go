//go:build linux

package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// bench is what an operation works on: a connected pair of sockets, as package net
// has them and as numbers, and descriptors to pass.
type bench struct {
	a, b       *net.UnixConn
	fdA, fdB   int
	files      []*os.File
	fds        []int
	p          []byte
	received   []int // to be closed afterwards
	afterwards []io.Closer
}

// operation is one call of the library's, or a few.
type operation struct {
	name    string
	calls   int    // how many of the watched system calls it makes, or -1 if package net decides
	network string // a stream if empty
	prepare func(x *bench) error
	do      func(x *bench) error
}

// operations are the parts of the library, with the number of system calls of each.
// Go's own are counted: os.NewFile asks for the flags of a descriptor (1), and adds
// a socket to the poller.
var operations = []operation{
	{name: "Send", calls: 1, do: func(x *bench) error { return fdpass.Send(x.a, x.files[0]) }},
	{name: "SendFDs", calls: 2, do: func(x *bench) error { return fdpass.SendFDs(x.fdA, x.fds...) }},
	{name: "SendMsg", calls: 1, do: func(x *bench) error {
		_, err := fdpass.SendMsg(x.a, x.p, x.files...)
		return err
	}},
	{name: "Sender.Send", calls: 1, prepare: sender, do: func(x *bench) error {
		_, err := x.afterwards[0].(*closing).s.Send(x.p, x.fds...)
		return err
	}},
	{name: "BatchSender.Send, 3 messages", calls: 1, prepare: batchSender, do: func(x *bench) error {
		out := fdpass.Outgoing{Payload: x.p, FDs: x.fds}
		_, _, err := x.afterwards[0].(*closing).b.Send([]fdpass.Outgoing{out, out, out})
		return err
	}},
	{name: "RecvFDs", calls: 1, prepare: sent(1), do: func(x *bench) (err error) {
		x.received, err = fdpass.RecvFDs(x.fdB, 3)
		return err
	}},
	{name: "Recv of one file", calls: 2, prepare: sent(1), do: func(x *bench) error {
		files, err := fdpass.Recv(x.b, 3)
		return x.keep(err, files...)
	}},
	{name: "RecvFile", calls: 2, prepare: sent(1), do: func(x *bench) error {
		f, err := fdpass.RecvFile(x.b)
		if err != nil {
			return err
		}
		return x.keep(err, f)
	}},
	{name: "RecvMsgFDs", calls: 1, prepare: sent(3), do: func(x *bench) (err error) {
		_, x.received, err = fdpass.RecvMsgFDs(x.b, x.p, 3)
		return err
	}},
	{name: "Receiver.Recv", calls: 1, prepare: receiver(fdpass.Options{MaxFDs: 3}, 3),
		do: func(x *bench) error {
			m, err := x.receiver().Recv(x.p)
			if err == nil {
				x.received = m.TakeFDs()
			}
			return err
		}},
	{name: "Receiver.Recv and Close, 3 in a row", calls: 2, prepare: receiver(fdpass.Options{MaxFDs: 3}, 3),
		do: func(x *bench) error {
			m, err := x.receiver().Recv(x.p)
			return errors.Join(err, m.Close())
		}},
	{name: "Receiver.Recv of a message with 3 too many", calls: 5, prepare: receiver(fdpass.Options{}, 3),
		do: func(x *bench) error {
			_, err := x.receiver().Recv(x.p)
			return expect(err, fdpass.ErrTruncated)
		}},
	{name: "Receiver.Peek", calls: 2, prepare: receiver(fdpass.Options{MaxFDs: 3}, 3),
		do: func(x *bench) error {
			m, err := x.receiver().Peek(x.p)
			return errors.Join(err, m.Close())
		}},
	{name: "Receiver.Recv with everything", calls: 1,
		prepare: receiver(fdpass.Options{MaxFDs: 3, Credentials: true, From: true}, 3),
		do: func(x *bench) error {
			m, err := x.receiver().Recv(x.p)
			if err == nil {
				x.received = m.TakeFDs()
			}
			return err
		}},
	{name: "Receiver.Recv at the end of a seqpacket connection", calls: 4, network: "unixpacket",
		prepare: atEnd, do: func(x *bench) error {
			_, err := x.receiver().Recv(x.p)
			return expect(err, io.EOF)
		}},
	{name: "BatchReceiver.Recv, 3 messages", calls: 1, prepare: batchReceiver, do: func(x *bench) error {
		msgs, err := x.afterwards[0].(*fdpass.BatchReceiver).Recv([][]byte{
			x.p, make([]byte, 1), make([]byte, 1),
		})
		for _, m := range msgs {
			x.received = m.TakeFDsInto(x.received)
		}
		return err
	}, network: "unixpacket"},
	{name: "Stream.Read", calls: 1, prepare: stream, do: func(x *bench) error {
		s := x.afterwards[0].(*fdpass.Stream)
		if _, err := s.Read(x.p); err != nil {
			return err
		}
		var err error
		x.received, err = s.TakeFDs(1)
		return err
	}},
	{name: "Stream.Close with 3 left", calls: 5, prepare: streamRead, do: func(x *bench) error {
		return x.afterwards[0].(*fdpass.Stream).Close()
	}},
	{name: "NewReceiver", calls: 11, do: func(x *bench) error {
		_, err := fdpass.NewReceiver(x.b, fdpass.Options{MaxFDs: 1})
		return err
	}},
	{name: "NewReceiver with credentials", calls: 13, do: func(x *bench) error {
		_, err := fdpass.NewReceiver(fdpass.Socket(x.fdB), fdpass.Options{
			MaxFDs: 1, Credentials: true, From: true,
		})
		return err
	}},
	{name: "NewSender", calls: 0, do: func(x *bench) error {
		_, err := fdpass.NewSender(x.a)
		return err
	}},
	{name: "NewUnixConn", calls: -1, do: func(x *bench) error {
		fd, err := syscall.Dup(x.fdA)
		if err != nil {
			return err
		}
		c, err := fdpass.NewUnixConn(fd)
		if err != nil {
			syscall.Close(fd)
			return err
		}
		x.afterwards = append(x.afterwards, c)
		return nil
	}},
	{name: "Pair", calls: -1, do: func(x *bench) error {
		a, b, err := fdpass.Pair("unix")
		if err == nil {
			x.afterwards = append(x.afterwards, a, b)
		}
		return err
	}},
	{name: "PeerCredentials", calls: 1, do: func(x *bench) error {
		_, err := fdpass.PeerCredentials(x.a)
		return err
	}},
}

// closing holds what needs no Close.
type closing struct {
	s *fdpass.Sender
	b *fdpass.BatchSender
}

func (*closing) Close() error { return nil }

func sender(x *bench) error {
	s, err := fdpass.NewSender(x.a)
	x.afterwards = append(x.afterwards, &closing{s: s})
	return err
}

func batchSender(x *bench) error {
	b, err := fdpass.NewBatchSender(x.a)
	x.afterwards = append(x.afterwards, &closing{b: b})
	return err
}

// sent sends a message with n descriptors before the operation.
func sent(n int) func(x *bench) error {
	return func(x *bench) error {
		_, err := fdpass.SendMsgFDs(x.a, x.p, x.fds[:n]...)
		return err
	}
}

// receiver makes a Receiver and sends a message, both before the operation.
func receiver(opts fdpass.Options, n int) func(x *bench) error {
	return func(x *bench) error {
		r, err := fdpass.NewReceiver(x.b, opts)
		x.afterwards = append(x.afterwards, r)
		return errors.Join(err, sent(n)(x))
	}
}

// atEnd makes a Receiver whose peer has closed the connection.
func atEnd(x *bench) error {
	r, err := fdpass.NewReceiver(x.b, fdpass.Options{})
	x.afterwards = append(x.afterwards, r)
	return errors.Join(err, x.a.Close())
}

func (x *bench) receiver() *fdpass.Receiver { return x.afterwards[0].(*fdpass.Receiver) }

func batchReceiver(x *bench) error {
	b, err := fdpass.NewBatchReceiver(x.b, 3, fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD})
	x.afterwards = append(x.afterwards, b)
	return errors.Join(err, sent(1)(x), sent(1)(x), sent(1)(x))
}

func stream(x *bench) error {
	s, err := fdpass.NewStream(x.b, fdpass.StreamOptions{MaxFDs: 3})
	x.afterwards = append(x.afterwards, s)
	return errors.Join(err, sent(3)(x))
}

func streamRead(x *bench) error {
	if err := stream(x); err != nil {
		return err
	}
	_, err := x.afterwards[0].(*fdpass.Stream).Read(x.p)
	return err
}

// expect returns nil for the error that has to come.
func expect(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("want %v: %w", want, err)
}

// keep keeps files until the end of the operation.
func (x *bench) keep(err error, files ...*os.File) error {
	for _, f := range files {
		x.afterwards = append(x.afterwards, f)
	}
	return err
}
