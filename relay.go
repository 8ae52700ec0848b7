package fdpass

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// Relay passes everything on between two connected sockets, in both directions,
// until both directions have ended: payload, descriptors, and the credentials of
// the senders. Both are stream sockets or both are seqpacket sockets (EINVAL).
// Relay owns them and closes them before it returns. Nothing else may receive
// from them. It switches SO_PASSCRED on for both.
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
// what was lost cannot be sent on.
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
	case errors.Is(err, syscall.EPIPE):
		err = d.from.CloseRead()
	}
	if errors.Is(err, syscall.ENOTCONN) { // the peer has closed the connection
		err = nil
	}
	if err != nil {
		closeConns(d.from, d.to)
	}
	return err
}

// step waits until something is there, and passes it on.
func (d *pump) step() error {
	n, cut, err := d.look()
	switch {
	case errors.Is(err, syscall.ECONNRESET): // reported once, before what is still there or the end
		return nil
	case err != nil:
		return err
	case d.stream && n == 0:
		return io.EOF
	case d.stream && cut:
		return d.rights(n)
	}
	return d.message(n)
}

// look waits until something is there, and returns how long it is without taking
// it: all of a seqpacket message, or those bytes of a stream that one process has
// sent, up to the end of a message with descriptors. There is no room for
// descriptors, so the kernel makes none, and cut reports that there are some. On a
// stream, the kernel looks for them further than the buffer is long.
func (d *pump) look() (n int, cut bool, err error) {
	flags := rawmsg.MSG_PEEK | rawmsg.MSG_DONTWAIT
	if !d.stream {
		flags |= rawmsg.MSG_TRUNC // n is the length of the message, not of the buffer
	}
	cerr := d.raw.Read(func(fd uintptr) bool {
		setPiece(&d.iov, d.p)
		fillHeader(&d.hdr, &d.iov, d.room, nil)
		n, err = recvmsg(int(fd), &d.hdr, flags)
		return err != syscall.EAGAIN
	})
	if cerr != nil {
		return 0, false, fmt.Errorf("fdpass: %w", cerr)
	}
	return n, d.hdr.Flags&rawmsg.MSG_CTRUNC != 0, os.NewSyscallError("recvmsg", err)
}

// message passes on a seqpacket message of n bytes, or n bytes of a stream that
// have no descriptors.
func (d *pump) message(n int) error {
	if n > len(d.p) {
		d.p = make([]byte, n)
	}
	p := d.p
	if d.stream {
		p = p[:n]
	}
	m, err := d.r.Recv(p)
	if err != nil {
		return err
	}
	return d.send(m, m.Payload(), m.FDs())
}

// rights passes on n bytes of a stream. A message with descriptors begins
// somewhere in them and ends with them, or begins after them. The byte that the
// descriptors come with is the first of that message. All n bytes are of the same
// sender.
func (d *pump) rights(n int) error {
	var m *Message
	for i := range n {
		var err error
		if m, err = d.r.Recv(d.p[i : i+1]); err != nil {
			return err
		}
		if len(m.FDs()) == 0 {
			continue
		}
		if i > 0 {
			if err := d.send(m, d.p[:i], nil); err != nil {
				return err
			}
		}
		// By now the rest of this message is only bytes.
		if _, err := io.ReadFull(d.from, d.p[i+1:n]); err != nil {
			return fmt.Errorf("fdpass: %w", err)
		}
		return d.send(m, d.p[i:n], m.FDs())
	}
	return d.send(m, d.p[:n], nil)
}

// send sends p with descriptors and the credentials of m. If there are
// descriptors, it closes those of m.
func (d *pump) send(m *Message, p []byte, fds []int) error {
	out := Outgoing{Payload: p, FDs: fds, Credentials: d.credentials(m)}
	n, err := d.s.SendMessage(&out)
	notMine, ended := errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ESRCH)
	if (notMine || ended) && n == 0 && !d.refused && out.Credentials != nil {
		out.Credentials = ownCredentials()
		_, err = d.s.SendMessage(&out)
		d.refused = notMine && err == nil
	}
	if len(fds) > 0 {
		m.drop()
	}
	return err
}

// credentials are those to send with m. A message that has none, or has none of a
// process that this one can name, is sent without.
func (d *pump) credentials(m *Message) *Credentials {
	cred, ok := m.Credentials()
	switch {
	case !ok || cred.PID == 0:
		return nil
	case d.refused:
		return ownCredentials()
	}
	return &cred
}

func ownCredentials() *Credentials {
	return &Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
}
