package fdpass

import (
	"io"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// Receiver receives messages from one connection, again and again, without
// allocating. It does not own the connection. It is not safe for concurrent
// use; several Receivers on one connection are, and each message goes to one of
// them.
type Receiver struct {
	end      endpoint
	opts     Options
	room     room
	deadline deadline
	msg      Message

	// What the kernel reads and writes. Ordinary Go pointers hold it together,
	// so that it stays where it is as long as a call is on.
	hdr     rawmsg.Msghdr
	iov     rawmsg.Iovec
	control []byte
	name    []byte // for the sender's address, or nil

	// The call that is on.
	payload []byte
	size    int // of the control buffer, at most len(control)
	flags   int
	one     [1]byte // for who does not want the payload
	n       int
	err     error
	try     func(fd uintptr) bool // once, as a value that is allocated only once
}

// NewReceiver makes a Receiver for a Unix socket of any type: a
// [*net.UnixConn], an [*os.File], an [FD] or any other [syscall.Conn]. It
// switches on what opts ask for. Errors are [ErrNotUnix], EINVAL for options
// that make no sense, [errors.ErrUnsupported] for one that the kernel lacks, and
// what getsockopt(2) and setsockopt(2) return.
func NewReceiver(conn syscall.Conn, opts Options) (*Receiver, error) {
	end, room, err := opts.open(conn)
	if err != nil {
		return nil, err
	}
	r := &Receiver{end: end, opts: opts, room: room}
	r.init(make([]byte, room.size(opts.MaxFDs)))
	if opts.Address {
		r.name = make([]byte, sockaddrLen)
	}
	return r, nil
}

// init prepares what stays the same between calls.
func (r *Receiver) init(control []byte) {
	r.control = control
	r.msg.fds = make([]int, 0, r.opts.MaxFDs)
	r.try = r.once
}

// Recv receives the next message, its payload into p, and waits for it. What
// was left of the message before is closed. The Message is the Receiver's own
// and is good until the next call.
//
// With [ErrTruncated] and [ErrPayloadTruncated] there is a Message, whose
// payload is good; with the first its descriptors are closed, with the second
// they are not. With any other error there is none. At the end of a stream or
// seqpacket connection the error is [io.EOF]; when the connection is closed
// meanwhile it matches [net.ErrClosed], after its read deadline
// [os.ErrDeadlineExceeded]. On a stream, p must not be empty ([ErrNoPayload]).
//
// Descriptors are close-on-exec. On a stream they belong to the last byte of
// the payload that came with them, and never to a byte behind it.
func (r *Receiver) Recv(p []byte) (*Message, error) {
	return r.recv(p, r.opts.MaxFDs, 0)
}

// Peek is Recv, but leaves the message on the socket. Every Peek makes fresh
// duplicates of the descriptors, which are the Message's like any others. Not
// even a truncated message is lost. On a stream the kernel looks further than p
// is long: the descriptors may be those of a later byte.
func (r *Receiver) Peek(p []byte) (*Message, error) {
	return r.recv(p, r.opts.MaxFDs, msgPeek)
}

// recv receives with room for at most max descriptors, which is at most MaxFDs.
func (r *Receiver) recv(p []byte, max, flags int) (*Message, error) {
	r.msg.Close()
	if len(p) == 0 && r.end.kind() == sockStream {
		return nil, ErrNoPayload
	}
	r.payload, r.size = p, r.room.size(max)
	r.flags = flags | r.end.wait | msgCmsgCloexec
	if err := r.end.read(r.try); err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, os.NewSyscallError("recvmsg", r.err)
	}
	if r.n == 0 {
		r.end.kind() // decides whether this is the end
	}
	r.msg.fill(&r.hdr, r.end.typ, p[:r.n], r.control[:r.size], r.name)
	err := r.msg.settle(max, &r.opts)
	if r.msg.isEOF() {
		r.msg.Close()
		return nil, io.EOF
	}
	return &r.msg, err
}

// once makes the system call. The header is filled in anew each time, since the
// kernel has written over parts of it.
func (r *Receiver) once(fd uintptr) (done bool) {
	arm(&r.hdr, &r.iov, r.payload, r.control[:r.size], r.name)
	r.n, r.err = rawmsg.Recvmsg(int(fd), &r.hdr, r.flags)
	return !r.end.again(r.err)
}

// arm fills in a header: one piece of payload, and the buffers for the rest.
func arm(h *rawmsg.Msghdr, iov *rawmsg.Iovec, payload, control, name []byte) {
	iov.Base, iov.Len = first(payload), uintptr(len(payload))
	h.Name, h.Namelen = first(name), uint32(len(name))
	h.Iov, h.Iovlen = iov, 1
	h.Control, h.Controllen = first(control), uintptr(len(control))
	h.Flags = 0
}

// first points to where a buffer starts.
func first(b []byte) *byte {
	if len(b) == 0 {
		return nil
	}
	return &b[0]
}
