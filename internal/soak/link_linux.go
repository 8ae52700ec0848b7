package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// load is what a message carries beside its number: the same descriptors in one
// form or the other.
type load struct {
	fds   []int
	files []*os.File
}

func (l *load) len() int { return max(len(l.fds), len(l.files)) }

// numbers returns the descriptors.
func (l *load) numbers() []int {
	fds := l.fds
	for _, f := range l.files {
		fds = append(fds, int(f.Fd())) // of a pipe that is blocking anyway
	}
	return fds
}

// close closes what was received.
func (l *load) close() error {
	for _, fd := range l.fds {
		if err := syscall.Close(fd); err != nil {
			return err
		}
	}
	for _, f := range l.files {
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// link is one way to pass messages over a connection. What recv returns is the
// caller's, in memory that is good until the next recv.
type link interface {
	send(p []byte, l *load) error
	recv(p []byte) (load, error)
}

// kinds are the ways, and what type of socket they are shown on.
var kinds = []struct {
	typ  int
	make func(c *net.UnixConn) (link, error)
}{
	{syscall.SOCK_STREAM, newPlain},
	{syscall.SOCK_STREAM, newStream},
	{syscall.SOCK_STREAM, newFiles},
	{syscall.SOCK_SEQPACKET, newBatches},
	{syscall.SOCK_SEQPACKET, newPlain},
}

// plain is a Sender and a Receiver.
type plain struct {
	s   *fdpass.Sender
	r   *fdpass.Receiver
	fds []int
}

func newPlain(c *net.UnixConn) (link, error) {
	s, err := fdpass.NewSender(c)
	if err != nil {
		return nil, err
	}
	r, err := fdpass.NewReceiver(c, fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD})
	return &plain{s: s, r: r}, err
}

func (x *plain) send(p []byte, l *load) error {
	_, err := x.s.Send(p, l.fds...)
	return err
}

func (x *plain) recv(p []byte) (load, error) {
	m, err := x.r.Recv(p)
	if err != nil {
		return load{}, err
	}
	x.fds = m.TakeFDsInto(x.fds[:0])
	return load{fds: x.fds}, nil
}

// stream is a Stream with a bufio.Reader on top.
type stream struct {
	s   *fdpass.Stream
	b   *bufio.Reader
	fds []int
}

func newStream(c *net.UnixConn) (link, error) {
	s, err := fdpass.NewStream(c, fdpass.StreamOptions{MaxFDs: 2 * rawmsg.SCM_MAX_FD})
	return &stream{s: s, b: bufio.NewReader(s)}, err
}

func (x *stream) send(p []byte, l *load) error {
	_, err := x.s.Send(p, l.fds...)
	return err
}

func (x *stream) recv(p []byte) (load, error) {
	if _, err := io.ReadFull(x.b, p); err != nil {
		return load{}, err
	}
	var err error
	x.fds, err = x.s.TakeFDsInto(x.fds[:0], x.s.Offset()-int64(x.b.Buffered()))
	return load{fds: x.fds}, err
}

// files is SendMsg and RecvMsg.
type files struct{ c *net.UnixConn }

func newFiles(c *net.UnixConn) (link, error) { return files{c}, nil }

func (x files) send(p []byte, l *load) error {
	_, err := fdpass.SendMsg(x.c, p, l.files...)
	return err
}

func (x files) recv(p []byte) (load, error) {
	_, got, err := fdpass.RecvMsg(x.c, p, rawmsg.SCM_MAX_FD)
	return load{files: got}, err
}

// batches is a BatchSender and a BatchReceiver. Each message goes as two, with
// half of the descriptors each.
type batches struct {
	s    *fdpass.BatchSender
	r    *fdpass.BatchReceiver
	out  [2]fdpass.Outgoing
	bufs [2][]byte
	fds  []int
}

func newBatches(c *net.UnixConn) (link, error) {
	s, err := fdpass.NewBatchSender(c)
	if err != nil {
		return nil, err
	}
	r, err := fdpass.NewBatchReceiver(c, 2, fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD})
	return &batches{s: s, r: r}, err
}

func (x *batches) send(p []byte, l *load) error {
	half := len(l.fds) / 2
	x.out[0] = fdpass.Outgoing{Payload: p, FDs: l.fds[:half]}
	x.out[1] = fdpass.Outgoing{Payload: p, FDs: l.fds[half:]}
	_, _, err := x.s.Send(x.out[:])
	return err
}

func (x *batches) recv(p []byte) (load, error) {
	x.fds = x.fds[:0]
	x.bufs = [2][]byte{p, p}
	for n := 0; n < 2; {
		msgs, err := x.r.Recv(x.bufs[n:])
		if err != nil {
			return load{}, err
		}
		for i := range msgs {
			if err := msgs[i].Err(); err != nil {
				return load{}, fmt.Errorf("message %d of a batch: %w", i, err)
			}
			x.fds = msgs[i].TakeFDsInto(x.fds)
		}
		n += len(msgs)
	}
	return load{fds: x.fds}, nil
}
