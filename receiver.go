package fdpass

import (
	"context"
	"io"
	"net"
	"syscall"
	"time"

	"example.com/fdpass/rawmsg"
)

// Receiver receives messages from one connection, without allocating memory for
// each of them. It does not own the connection. A Receiver is not safe for
// concurrent use. Several Receivers on one connection are; each message goes to
// one of them.
type Receiver struct {
	end    endpoint
	opts   Options
	msg    Message
	closed bool

	// What the kernel reads and writes. Ordinary Go pointers hold it together,
	// so that it stays in its place during a call.
	hdr     msghdr
	iov     iovec
	control []byte
	name    []byte // for the sender's address, or nil

	// The current call.
	payload []byte
	flags   int
	one     [1]byte // the buffer for a payload that the caller does not want
	n       int
	err     error
	try     func(fd uintptr) bool // see newTry
	tryOnce func(fd uintptr)      // try, for a call that does not wait
}

// NewReceiver makes a Receiver for a Unix socket of any type: a [*net.UnixConn],
// an [*os.File], a [Socket] or any other [syscall.Conn]. It switches on what opts
// ask for. The error matches [ErrNotUnix] for another kind of socket, EINVAL for
// options that make no sense, and [errors.ErrUnsupported] for an option that the
// kernel does not have. Other errors are those of getsockopt(2) and setsockopt(2).
//
// If conn itself holds the Receiver, the garbage collector never frees either, so
// that only [Receiver.Close] closes the descriptors of the last message.
func NewReceiver(conn syscall.Conn, opts Options) (*Receiver, error) {
	end, room, err := opts.open(conn)
	if err != nil {
		return nil, err
	}
	end.share()
	r := newReceiver(end, opts, room)
	if opts.From {
		r.name = make([]byte, sockaddrLen)
		fillHeader(&r.hdr, &r.iov, r.control, r.name)
	}
	return r, nil
}

// newReceiver makes a Receiver whose control buffer has room bytes.
func newReceiver(end endpoint, opts Options, room int) *Receiver {
	r := &Receiver{end: end, opts: opts, msg: Message{message: newMessage()}}
	r.control = make([]byte, room)
	r.msg.fds = make([]int, 0, opts.MaxFDs)
	r.try = r.newTry()
	r.tryOnce = func(fd uintptr) { r.try(fd) }
	fillHeader(&r.hdr, &r.iov, r.control, r.name)
	return r
}

// Recv waits for the next message and receives it, its payload into p. It closes
// what was not taken from the message before. The Message belongs to the Receiver
// and is valid until the next call.
//
// With [ErrTruncated] and [ErrPayloadTruncated] there is a Message. Its payload
// is valid, and its descriptors have been closed. With any other error there is no
// Message. At the end of a stream or seqpacket connection the error is [io.EOF]. If
// the connection is closed, the error matches [net.ErrClosed], and after its read
// deadline [os.ErrDeadlineExceeded]. On a stream, p must not be empty
// ([ErrNoPayload]). An empty message of a seqpacket socket that brings nothing looks
// like the end: while the peer has not hung up, it is a Message, and after that it is
// passed over.
//
// If the peer has closed its end with something unread, the error matches ECONNRESET,
// once. On a seqpacket socket it comes before the messages that are still there: the
// next Recv receives them.
//
// Descriptors are close-on-exec. On a stream they belong to the last byte of
// the payload that came with them; see [Stream].
func (r *Receiver) Recv(p []byte) (*Message, error) {
	return r.recv(p, r.opts.MaxFDs, 0)
}

// TryRecv is [Receiver.Recv] without waiting, whether another call waits or a deadline
// has passed. If no message is there, the error matches EAGAIN.
func (r *Receiver) TryRecv(p []byte) (*Message, error) {
	return r.recv(p, r.opts.MaxFDs, rawmsg.MSG_DONTWAIT)
}

// Peek is [Receiver.Recv], but leaves the message on the socket, even if it was
// truncated. Every Peek makes new duplicates of the descriptors, which belong to the
// Message like any others. On a stream, the descriptors may be those of a later
// byte, since the kernel looks further than the length of p.
func (r *Receiver) Peek(p []byte) (*Message, error) {
	if portable {
		r.msg.drop()
		return nil, errLinux("peeking at descriptors")
	}
	return r.recv(p, r.opts.MaxFDs, rawmsg.MSG_PEEK)
}

// RecvContext is [Receiver.Recv], but its wait ends when ctx is done. Then the error
// is that of ctx, and nothing has been taken off the socket. A message that came at
// the same moment is returned. No goroutine keeps running.
//
// RecvContext needs a connection with deadlines. For a [Socket], and for a file
// that is not in Go's poller, the error matches [errors.ErrUnsupported]. To end the
// wait, RecvContext sets the connection's read deadline. Afterwards it sets the
// deadline again that was given to SetReadDeadline of this or any other Receiver or
// Stream on the connection, as long as that is in use. A deadline that was set on the
// connection itself is lost, since Go has no way to read it; on an [*os.File] even if
// the context does not end the wait. If package net waits on the same connection at
// that moment, its wait may end with [os.ErrDeadlineExceeded].
func (r *Receiver) RecvContext(ctx context.Context, p []byte) (m *Message, err error) {
	r.msg.drop() // as Recv does, which is not called if ctx is done already
	err = r.end.within(ctx, reading, func() error {
		m, err = r.Recv(p)
		return err
	})
	return m, err
}

// SetReadDeadline sets the connection's read deadline, in such a way that
// [Receiver.RecvContext] keeps it. The zero time means no deadline. For a [Socket]
// the error matches [os.ErrNoDeadline].
func (r *Receiver) SetReadDeadline(t time.Time) error { return r.end.setDeadline(reading, t) }

// Close closes the descriptors that were not taken from the last message, and
// returns errors as [CloseFDs] does. From then on, every receive returns
// [net.ErrClosed]. The connection stays open: it is the caller's.
func (r *Receiver) Close() error {
	r.closed = true
	return r.msg.Close()
}

// prepare closes what was not taken of the message before and fills in the header
// for all tries of the next.
func (r *Receiver) prepare(p []byte, flags int) error {
	r.msg.drop()
	if r.closed {
		return errClosed
	}
	if len(p) == 0 {
		if typ, err := r.end.kind(); err != nil {
			return err
		} else if typ == rawmsg.SOCK_STREAM {
			return ErrNoPayload
		}
	}
	r.payload, r.flags = p, flags|rawmsg.MSG_CMSG_CLOEXEC
	r.n, r.err = 0, errNotCalled
	setPiece(&r.iov, p)
	fillHeader(&r.hdr, &r.iov, r.control, r.name)
	return nil
}

// tried notes what a system call has returned. If the call was interrupted, it makes
// the call again.
func (r *Receiver) tried(fd, n int, errno syscall.Errno) {
	switch errno {
	case 0:
		r.n, r.err = n, nil
	case syscall.EINTR:
		r.n, r.err = recvmsg(fd, &r.hdr, r.flags|r.end.wait)
	default:
		r.err = errno
	}
}

// finish looks at what the kernel has written. If there is an error of the
// connection nevertheless, it closes what was received.
func (r *Receiver) finish(max int, connErr error) (*Message, error) {
	if r.n == 0 && connErr == nil {
		_, connErr = r.end.kind() // decides whether this is the end
	}
	r.msg.set(&r.hdr, r.end.typ, r.payload[:r.n], r.control, r.name)
	err := r.msg.accept(max, &r.opts)
	if connErr == nil && r.end.isEnd(r.msg.message) {
		switch r.whatEnded() {
		case aMessage:
			return &r.msg, err
		case tooEarly:
			return r.recv(r.payload, max, r.flags&^rawmsg.MSG_CMSG_CLOEXEC)
		}
		connErr = io.EOF
	}
	if connErr != nil {
		r.msg.drop()
		return nil, connErr
	}
	return &r.msg, err
}

// What looks like the end of a connection.
const (
	theEnd   = iota
	aMessage // an empty one
	tooEarly // the end, or an empty message, and others follow
)

// whatEnded says what looks like the end. On a seqpacket socket, it is an empty message
// as long as the peer has not hung up. After that it may be the end too early: the
// kernel looks at the queue first and then whether the peer has hung up, who may have
// sent a message in between (unix_dgram_recvmsg in net/unix/af_unix.c). Or it is one
// of several empty messages: the next one looks like the end as well, and only bytes
// in the queue show that others follow. A peek would find the same one again.
func (r *Receiver) whatEnded() int {
	switch {
	case portable || r.end.typ != rawmsg.SOCK_SEQPACKET:
		return theEnd
	case r.end.lives():
		return aMessage
	case !r.end.atEnd():
		return tooEarly
	case r.end.queued() == 0:
		return theEnd
	case r.flags&rawmsg.MSG_PEEK != 0:
		return aMessage
	}
	return tooEarly
}

var _ io.Closer = (*Receiver)(nil)

var errClosed = closedError{}

// closedError is [net.ErrClosed] of something of this package.
type closedError struct{}

func (closedError) Error() string        { return "fdpass: use of a closed receiver" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }
