package fdpass

import (
	"context"
	"syscall"
	"time"

	"example.com/fdpass/rawmsg"
)

// Sender sends messages over one connection, without allocating memory for each
// of them. It does not own the connection. A Sender is not safe for concurrent
// use. Several Senders on one connection are, and the messages of one are never
// sent in the middle of a message of another one, except on a [Socket] of type
// stream.
type Sender struct {
	end endpoint

	hdr     msghdr
	iov     iovec   // for a payload in one piece
	iovs    []iovec // for one in several pieces
	control []byte
	name    []byte
	fds     []int // those of files

	// The current call.
	payload []byte   // its first piece
	more    [][]byte // its other pieces
	length  int      // of the whole payload
	keep    int      // bytes of control messages that go with each part of the payload
	sent    int
	flags   int
	err     error
	try     func(fd uintptr) bool // see newTry
}

// NewSender makes a Sender for a Unix socket of any type. Errors are those of
// [NewReceiver].
func NewSender(conn syscall.Conn) (*Sender, error) {
	end, err := open(conn)
	if err != nil {
		return nil, err
	}
	end.share()
	return newSender(end), nil
}

func newSender(end endpoint) *Sender {
	s := &Sender{end: end}
	s.try = s.newTry()
	return s
}

// Send sends p and, with its first byte, fds. The descriptors stay the caller's and
// may be closed as soon as Send returns. Send is [Sender.SendMessage] for a message
// that has nothing else.
func (s *Sender) Send(p []byte, fds ...int) (n int, err error) {
	return s.send(&Outgoing{Payload: p, FDs: fds}, 0)
}

// SendMessage sends a message and returns n, the number of payload bytes that were
// sent. On a stream it waits until all have been sent. If it fails after some of
// them, the descriptors went with the first of the n bytes, and the caller sends
// the rest without them. A datagram or seqpacket message is sent as a whole or
// not at all.
//
// Two mistakes are found before anything is sent: more than [rawmsg.SCM_MAX_FD]
// descriptors are [ErrTooManyFDs]. Descriptors or credentials without payload are
// [ErrNoPayload] on a stream, where the kernel would drop them.
//
// Other errors are *[os.SyscallError]: EBADF for a number that is not an open
// descriptor, EPERM for the credentials of another process or for a peer that
// refuses descriptors, ETOOMANYREFS if too many descriptors are in flight, EPIPE if
// the peer has closed the connection (there is no SIGPIPE). For a closed file the
// error matches [os.ErrClosed], for a closed connection [net.ErrClosed], and after
// the connection's write deadline [os.ErrDeadlineExceeded].
func (s *Sender) SendMessage(out *Outgoing) (n int, err error) { return s.send(out, 0) }

// TrySend is [Sender.SendMessage] without waiting. Where SendMessage would wait, the
// error matches EAGAIN. On a stream, n may be greater than 0 then. While another call
// sends on the connection and waits, TrySend waits for it.
func (s *Sender) TrySend(out *Outgoing) (n int, err error) {
	return s.send(out, rawmsg.MSG_DONTWAIT)
}

// SendContext is [Sender.Send], but its wait ends when ctx is done. Then the error is
// that of ctx, and n is how many bytes have been sent. See [Receiver.RecvContext]
// for what it needs and what happens to the deadline.
func (s *Sender) SendContext(ctx context.Context, p []byte, fds ...int) (n int, err error) {
	return s.SendMessageContext(ctx, &Outgoing{Payload: p, FDs: fds})
}

// SendMessageContext is [Sender.SendMessage] with a context, as
// [Sender.SendContext] is Send with one.
func (s *Sender) SendMessageContext(ctx context.Context, out *Outgoing) (n int, err error) {
	err = s.end.within(ctx, writing, func() error {
		n, err = s.send(out, 0)
		return err
	})
	return n, err
}

// SetWriteDeadline sets the connection's write deadline, in such a way that
// [Sender.SendContext] keeps it. The zero time means no deadline. For a [Socket] the
// error matches [os.ErrNoDeadline].
func (s *Sender) SetWriteDeadline(t time.Time) error { return s.end.setDeadline(writing, t) }

// sendFiles sends a message with files, whose descriptors follow the others.
func (s *Sender) sendFiles(out Outgoing, flags int) (n int, err error) {
	files := out.Files
	out.Files = nil
	s.fds = append(s.fds[:0], out.FDs...)
	err = withFDs(files, s.fds, func(fds []int) error {
		out.FDs = fds
		n, err = s.send(&out, flags)
		return err
	})
	return n, err
}

// prepare fills in the header of a message without files.
func (s *Sender) prepare(out *Outgoing, flags int) (err error) {
	s.control = out.appendControl(s.control[:0])
	if s.name, err = out.appendName(s.name[:0]); err != nil {
		return err
	}
	s.payload, s.more, s.length = out.Payload, out.More, out.payloadLen()
	s.keep, s.sent, s.err = out.credentialsLen(), 0, errNotCalled
	s.flags = flags | rawmsg.MSG_NOSIGNAL
	setPiece(&s.iov, s.payload)
	fillHeader(&s.hdr, &s.iov, s.control, s.name)
	s.setPieces()
	return nil
}

// tried notes what a system call has returned. It makes the call again if it was
// interrupted, and on a stream until everything has been sent.
func (s *Sender) tried(fd, n int, errno syscall.Errno) (done bool) {
	var err error
	if errno != 0 {
		n, err = 0, errno
	}
	if errno == syscall.EINTR {
		n, err = sendmsg(fd, &s.hdr, s.flags|s.end.wait)
	}
	for err == nil {
		s.sent += n
		if s.sent >= s.length {
			s.err = nil
			return true
		}
		s.advance()
		n, err = sendmsg(fd, &s.hdr, s.flags|s.end.wait)
	}
	s.err = err
	if err != syscall.EAGAIN || !s.end.waits(s.flags) {
		return true
	}
	if s.sent > 0 {
		s.end.hold()
	}
	return false
}

// setPieces makes the header point to what has not been sent of a payload of
// several pieces.
func (s *Sender) setPieces() {
	if len(s.more) == 0 {
		return
	}
	s.iovs = appendIovecs(s.iovs[:0], s.sent, s.payload, s.more)
	setPieces(&s.hdr, s.iovs)
}

// advance changes the header after a short write, which has sent a part of the
// payload, and with it all descriptors. Only the credentials are sent again, since
// each byte of a stream has its own.
func (s *Sender) advance() {
	if len(s.more) > 0 {
		s.setPieces()
	} else {
		setPiece(&s.iov, s.payload[s.sent:])
	}
	s.hdr.Controllen = uintptr(s.keep)
}
