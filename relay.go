package fdpass

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// Relay passes everything on between two connected sockets, in both directions,
// until both directions have ended: payload, descriptors, and the credentials of
// the senders. Both are stream sockets or both are seqpacket sockets (EINVAL).
// Relay owns them and closes them before it returns. Nothing else may receive
// from them. It switches SO_PASSCRED on for both, and SO_PASSSEC, SO_PASSPIDFD and
// SO_INQ off.
//
// What belongs together stays together. A message of a seqpacket socket is sent
// on as one message. On a stream, descriptors are sent on with the byte that
// they came with, which is the first byte of what their sendmsg(2) sent, and
// with the rest of it. To find that byte, Relay reads single bytes while other
// bytes are in the queue in front of it, which costs a system call for each.
//
// Credentials of another process need privilege (CAP_SYS_ADMIN for the PID,
// CAP_SETUID, CAP_SETGID). Where the kernel refuses them, what is sent has the
// credentials of this process, as it would have if this process had sent it. pidfds
// and security labels are always those of this process: there is no message that
// sends them.
//
// When one peer has shut down its writing side, Relay shuts down the writing side
// of the other connection (shutdown(2)), and the opposite direction goes on. When
// one peer reads no longer (EPIPE), the other one learns it in the same way.
//
// The error is nil if both directions ended so. It is that of ctx if that is done
// first. Any other error ends both directions; [ErrTruncated] is one, because
// what was lost cannot be sent on. On other systems than Linux it is
// [errors.ErrUnsupported].
func Relay(ctx context.Context, a, b *net.UnixConn) error {
	there, back, err := newPumps(a, b)
	if err != nil {
		return errors.Join(err, closeConns(a, b))
	}
	stop := context.AfterFunc(ctx, func() { closeConns(a, b) })
	ended := make(chan error, 1)
	go func() { ended <- there.run() }()
	err = back.run()
	if other := <-ended; err == nil || errors.Is(err, net.ErrClosed) {
		err = other
	}
	if !stop() {
		err = fmt.Errorf("fdpass: %w", ctx.Err())
	}
	closeConns(a, b)
	return err
}

// closeConns closes connections. That one was closed already is no error.
func closeConns(conns ...*net.UnixConn) (err error) {
	for _, c := range conns {
		if c == nil {
			continue
		}
		if cerr := c.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
			err = cerr
		}
	}
	return err
}

// pump is one direction of a relay.
type pump struct {
	from, to *net.UnixConn
	raw      syscall.RawConn // of from
	r        *Receiver       // on from
	s        *Sender         // on to
	stream   bool

	p       []byte // what is received and sent
	refused bool   // whether the kernel has refused the credentials of others

	// The header of a look.
	hdr  msghdr
	iov  iovec
	room []byte // for credentials, and for nothing else
}

// pumpBuffer is the size of a pump's buffer, in bytes. A seqpacket message that is
// longer makes it grow.
const pumpBuffer = 64 << 10

// newPumps makes both directions of a relay.
func newPumps(a, b *net.UnixConn) (there, back *pump, err error) {
	if there, err = newPump(a, b); err != nil {
		return nil, nil, err
	}
	if back, err = newPump(b, a); err != nil {
		return nil, nil, err
	}
	if there.r.end.typ != back.r.end.typ {
		return nil, nil, errArgument("a relay between two types of sockets")
	}
	return there, back, nil
}

func newPump(from, to *net.UnixConn) (*pump, error) {
	r, err := NewReceiver(from, Options{MaxFDs: rawmsg.SCM_MAX_FD, Credentials: true})
	if err != nil {
		return nil, err
	}
	typ, err := r.end.kind()
	if err != nil {
		return nil, err
	}
	if typ == rawmsg.SOCK_DGRAM {
		return nil, errArgument("a relay of datagram sockets, which have no connections")
	}
	if err := r.end.control(switchOff); err != nil {
		return nil, err
	}
	s, err := NewSender(to)
	if err != nil {
		return nil, err
	}
	raw, err := from.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("fdpass: %w", err)
	}
	return &pump{
		from: from, to: to, raw: raw, r: r, s: s, stream: typ == rawmsg.SOCK_STREAM,
		p: make([]byte, pumpBuffer), room: make([]byte, CmsgSpace(credentialsLen)),
	}, nil
}

// switchOff switches off the options whose control messages find no room when a
// pump looks. They would make all bytes look like bytes with descriptors. That the
// kernel does not have one of the options is no error.
func switchOff(fd int) error {
	for _, opt := range []int{rawmsg.SO_PASSSEC, rawmsg.SO_PASSPIDFD, rawmsg.SO_INQ} {
		setsockopt(fd, opt, 0)
	}
	return nil
}

// run passes everything on until this direction has ended. An error ends the
// other direction, too, since it closes both connections.
func (d *pump) run() (err error) {
	for err == nil {
		err = d.step()
	}
	d.r.msg.drop()
	switch {
	case errors.Is(err, io.EOF):
		err = d.to.CloseWrite()
	case errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET):
		if err = d.from.CloseRead(); err == nil {
			// What is in the queue keeps a sender waiting, who is to get EPIPE.
			_, err = io.Copy(io.Discard, d.from)
		}
	}
	if errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNRESET) { // the peer has closed it
		err = nil
	}
	if err != nil {
		closeConns(d.from, d.to)
	}
	return err
}
