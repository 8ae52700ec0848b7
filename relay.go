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

// Relay passes on everything that arrives at each of two connected sockets to the
// other one, until both directions have ended: payload, descriptors, and the
// credentials of the senders. Both have to be stream sockets, or both seqpacket
// sockets; if not, the error is EINVAL. Relay owns the connections and closes them
// before it returns, also if it returns an error at once. Nothing else may receive
// from them. It switches SO_PASSCRED on for both, and SO_PASSSEC, SO_PASSPIDFD and
// SO_INQ off.
//
// What belongs together stays together. A message of a seqpacket socket is sent
// on as one message. On a stream, descriptors are sent on with the byte that they
// came with, the first byte of their sendmsg(2), and with the rest of that message.
// To find that byte, Relay reads single bytes while other bytes are in the queue
// before it. Each of these costs a system call.
//
// To send the credentials of another process needs privilege (CAP_SYS_ADMIN for the
// PID, CAP_SETUID, CAP_SETGID). If the kernel refuses them, the messages have the
// credentials of the process that calls Relay. A pidfd or a security label that the
// receiver asks for is always that of the process that calls Relay, since no
// message can send one.
//
// When one peer has shut down its writing side, Relay shuts down the writing side
// of the other connection (shutdown(2)), and the opposite direction continues. When
// one peer does not read any more (EPIPE), the other one gets EPIPE, too.
//
// The error is nil if both directions ended in this way. If ctx is done before, it
// is the error of ctx. Any other error ends both directions. [ErrTruncated] is such
// an error, because what was lost cannot be sent on. On systems other than Linux
// the error is [errors.ErrUnsupported].
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

// closeConns closes connections. A connection that is closed already is no error.
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

	// What look passes to the kernel.
	hdr  msghdr
	iov  iovec
	room []byte // a control buffer for credentials, and for nothing else
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

// switchOff switches off the options whose control messages find no room in look.
// They would make all bytes look like bytes with descriptors. An option that the
// kernel does not have is no error.
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
			// A sender that waits for room in the queue gets EPIPE only if somebody
			// reads what is in the queue.
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
