package fdpass

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"example.com/fdpass/rawmsg"
)

// Outgoing is a message to send. Everything in it stays the caller's.
type Outgoing struct {
	Payload     []byte        // may be empty, but with descriptors not on a stream ([ErrNoPayload])
	FDs         []int         // at most [MaxFDs]; the kernel duplicates them
	Credentials *Credentials  // SCM_CREDENTIALS, or nil; others than its own need privilege (EPERM)
	To          *net.UnixAddr // for a datagram socket that is not connected, or nil
}

// Sender sends messages over one connection, again and again, without
// allocating. It does not own the connection. It is not safe for concurrent use;
// several Senders on one connection are, and no message of one gets into the
// middle of another's, but for an [FD] on a stream.
type Sender struct {
	end      endpoint
	deadline deadline

	hdr     rawmsg.Msghdr
	iov     rawmsg.Iovec
	control []byte
	name    []byte

	// The call that is on.
	payload []byte // what is left of it
	restLen int    // of the control messages that go with each part of it
	sent    int
	err     error
	try     func(fd uintptr) bool // push, as a value that is allocated only once
}

// NewSender makes a Sender for a Unix socket of any type. Errors are those of
// [NewReceiver].
func NewSender(conn syscall.Conn) (*Sender, error) {
	end, err := open(conn)
	if err != nil {
		return nil, err
	}
	s := &Sender{end: end}
	s.try = s.push
	return s, nil
}

// Send sends p and, with its first byte, fds, which stay the caller's and may be
// closed as soon as it returns. It is [Sender.SendMessage] for the plain case.
func (s *Sender) Send(p []byte, fds ...int) (n int, err error) {
	return s.send(&Outgoing{Payload: p, FDs: fds})
}

// SendMessage sends a message and returns the number of payload bytes that went.
// On a stream it waits until all have gone; where it fails half way, the
// descriptors went with the first of the n bytes, and the rest is the caller's
// to send without them. A datagram or seqpacket message goes as a whole or not
// at all.
//
// More than [MaxFDs] descriptors are [ErrTooManyFDs], and descriptors or
// credentials without payload on a stream, where the kernel would drop them,
// [ErrNoPayload], both before any system call. Other errors are
// *[os.SyscallError]: EBADF for what is no descriptor, EPERM for foreign
// credentials or a peer that refuses descriptors, ETOOMANYREFS when too many are
// under way, EPIPE when the peer has closed (without SIGPIPE); [net.ErrClosed]
// and [os.ErrDeadlineExceeded] as for [Receiver.Recv].
func (s *Sender) SendMessage(out *Outgoing) (n int, err error) { return s.send(out) }

// SendContext is SendMessage until ctx is done, when the error is that of ctx; n
// tells how much had gone by then. [Receiver.RecvContext] says what it needs and
// what becomes of the write deadline.
func (s *Sender) SendContext(ctx context.Context, out *Outgoing) (n int, err error) {
	err = s.deadline.within(ctx, s.end.setWrite(), func() error {
		n, err = s.send(out)
		return err
	})
	return n, err
}

// SetWriteDeadline sets the connection's write deadline, zero for none, in such
// a way that [Sender.SendContext] keeps it. For an [FD] the error matches
// [os.ErrNoDeadline].
func (s *Sender) SetWriteDeadline(t time.Time) error {
	set := s.end.setWrite()
	if set == nil {
		return fmt.Errorf("fdpass: %w", os.ErrNoDeadline)
	}
	return s.deadline.set(t, set)
}

func (s *Sender) send(out *Outgoing) (int, error) {
	var err error
	if err = out.check(&s.end); err != nil {
		return 0, err
	}
	s.control = out.appendControl(s.control[:0])
	if s.name, err = out.appendName(s.name[:0]); err != nil {
		return 0, err
	}
	arm(&s.hdr, &s.iov, out.Payload, s.control, s.name)
	s.payload, s.restLen, s.sent, s.err = out.Payload, out.credentialsLen(), 0, nil
	if err := s.end.write(s.try); err != nil {
		return s.sent, err
	}
	return s.sent, os.NewSyscallError("sendmsg", s.err)
}

// push makes the system call, on a stream until everything has gone.
func (s *Sender) push(fd uintptr) (done bool) {
	for {
		n, err := rawmsg.Sendmsg(int(fd), &s.hdr, s.end.wait|msgNosignal)
		if err != nil {
			s.err = err
			return !s.end.again(err)
		}
		s.err = nil
		s.sent += n
		if s.payload = s.payload[n:]; len(s.payload) == 0 {
			return true
		}
		armRest(&s.hdr, &s.iov, s.payload, s.restLen)
	}
}

// armRest changes the header of a message of which a short write has sent a part,
// and with it all descriptors. Of the control messages, those of the first bytes
// go once more: the credentials, since each byte on a stream has its own.
func armRest(h *rawmsg.Msghdr, iov *rawmsg.Iovec, payload []byte, controllen int) {
	iov.Base, iov.Len = first(payload), uintptr(len(payload))
	h.Controllen = uintptr(controllen)
}

// check finds what can be told without a system call.
func (out *Outgoing) check(end *endpoint) error {
	if len(out.Payload) == 0 && out.controlLen() > 0 && end.kind() == sockStream {
		return ErrNoPayload
	}
	return checkCount(len(out.FDs))
}

// checkCount holds the number of descriptors against the kernel's limit.
func checkCount(n int) error {
	if n > MaxFDs {
		return fmt.Errorf("%w: %d in one message, which carries %d", ErrTooManyFDs, n, MaxFDs)
	}
	return nil
}

// controlLen is how long the control messages are.
func (out *Outgoing) controlLen() int {
	n := out.credentialsLen()
	if len(out.FDs) > 0 {
		n += CmsgSpace(intLen * len(out.FDs))
	}
	return n
}

// credentialsLen is how long the first of the control messages is, if it is
// credentials.
func (out *Outgoing) credentialsLen() int {
	if out.Credentials == nil {
		return 0
	}
	return CmsgSpace(credentialsLen)
}

// appendControl appends the control messages, the credentials first.
func (out *Outgoing) appendControl(b []byte) []byte {
	if c := out.Credentials; c != nil {
		var data [credentialsLen]byte
		binary.NativeEndian.PutUint32(data[0:], uint32(c.PID))
		binary.NativeEndian.PutUint32(data[4:], c.UID)
		binary.NativeEndian.PutUint32(data[8:], c.GID)
		b = AppendControl(b, SOL_SOCKET, SCM_CREDENTIALS, data[:])
	}
	if len(out.FDs) > 0 {
		b = AppendRights(b, out.FDs...)
	}
	return b
}

// appendName appends the address to send to.
func (out *Outgoing) appendName(b []byte) ([]byte, error) {
	if out.To == nil {
		return b, nil
	}
	return appendSockaddr(b, out.To)
}
