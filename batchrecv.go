package fdpass

import (
	"io"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// BatchReceiver receives many messages with one system call, recvmmsg(2),
// again and again, without allocating. It does not own the connection and is
// not safe for concurrent use.
type BatchReceiver struct {
	end  endpoint
	opts Options
	msgs []Message

	// One piece of each for a message.
	hdrs    []rawmsg.Mmsghdr
	iovs    []rawmsg.Iovec
	control []byte // in pieces of the same size
	names   []byte // likewise, or nil

	// The call that is on.
	bufs [][]byte
	n    int
	err  error
	try  func(fd uintptr) bool
}

// NewBatchReceiver makes a BatchReceiver for up to size messages a call, which
// must be 1 or more. Options and errors are those of [NewReceiver].
func NewBatchReceiver(conn syscall.Conn, size int, opts Options) (*BatchReceiver, error) {
	if size < 1 {
		return nil, errArgument("a batch of %d messages", size)
	}
	end, room, err := opts.open(conn)
	if err != nil {
		return nil, err
	}
	b := &BatchReceiver{
		end: end, opts: opts,
		msgs:    make([]Message, size),
		hdrs:    make([]rawmsg.Mmsghdr, size),
		iovs:    make([]rawmsg.Iovec, size),
		control: make([]byte, size*room.size(opts.MaxFDs)),
	}
	if opts.Address {
		b.names = make([]byte, size*sockaddrLen)
	}
	fds := make([]int, size*opts.MaxFDs)
	for i := range b.msgs {
		b.msgs[i].fds = piece(fds, i, size)[:0]
	}
	b.try = b.once
	return b, nil
}

// piece is the part i of s, which has n parts of the same size.
func piece[T any](s []T, i, n int) []T {
	size := len(s) / n
	return s[i*size : (i+1)*size : (i+1)*size]
}

// Recv waits for a message and receives it and as many more as are there, each
// payload into one of bufs; no more than there are buffers, than the batch is
// large, and than the kernel takes at once, which is 1024. The messages are the BatchReceiver's own and good until the next call,
// which closes what was not taken.
//
// What is wrong with one message, [Message.Err] says: [ErrTruncated] or
// [ErrPayloadTruncated], as for [Receiver.Recv]. The error of Recv itself is
// about the call, and then there is no message: [io.EOF] and the others. What
// breaks a batch off half way is reported by the next call. That the peer has
// reset the connection (ECONNRESET) is told once, before the messages that are
// still there.
func (b *BatchReceiver) Recv(bufs [][]byte) ([]Message, error) {
	for i := range b.msgs {
		b.msgs[i].Close()
	}
	b.bufs = bufs[:min(len(bufs), len(b.msgs))]
	if err := b.checkBuffers(); err != nil {
		return nil, err
	}
	if err := b.end.read(b.try); err != nil {
		return nil, err
	}
	if b.err != nil {
		return nil, os.NewSyscallError("recvmmsg", b.err)
	}
	return b.settle()
}

func (b *BatchReceiver) checkBuffers() error {
	if len(b.bufs) == 0 {
		return errArgument("no buffers")
	}
	for _, buf := range b.bufs {
		if len(buf) == 0 && b.end.kind() == sockStream {
			return ErrNoPayload
		}
	}
	return nil
}

// once makes the system call. Where the kernel does the waiting, it waits for
// the first message alone.
func (b *BatchReceiver) once(fd uintptr) (done bool) {
	n := len(b.msgs)
	for i, buf := range b.bufs {
		b.hdrs[i].Len = 0
		arm(&b.hdrs[i].Hdr, &b.iovs[i], buf, piece(b.control, i, n), piece(b.names, i, n))
	}
	flags := b.end.wait | msgCmsgCloexec | msgWaitforone
	b.n, b.err = rawmsg.Recvmmsg(int(fd), b.hdrs[:len(b.bufs)], flags)
	return !b.end.again(b.err)
}

// settle looks at every message that the kernel has reported. It repeats the end
// of a connection in the rest of the batch: what looks like the end and has a
// message behind it is an empty message.
func (b *BatchReceiver) settle() ([]Message, error) {
	size := len(b.msgs)
	for i := range b.n {
		m, h := &b.msgs[i], &b.hdrs[i]
		m.fill(&h.Hdr, b.end.typ, b.bufs[i][:h.Len], piece(b.control, i, size), piece(b.names, i, size))
		m.err = m.settle(b.opts.MaxFDs, &b.opts)
	}
	n := b.n
	for n > 0 && b.msgs[n-1].isEOF() {
		n--
		b.msgs[n].Close()
	}
	if n == 0 {
		return nil, io.EOF
	}
	return b.msgs[:n], nil
}
