package fdpass

import (
	"io"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// BatchReceiver receives many messages with one system call, recvmmsg(2),
// without allocating memory for each batch. It does not own the connection and is
// not safe for concurrent use.
//
// It is not yet stable: a later version may change it.
type BatchReceiver struct {
	end    endpoint
	opts   Options
	closed bool
	msgs   []*Message

	// Each message has its own part of these.
	hdrs    []mmsghdr
	iovs    []iovec
	control []byte // parts of equal size
	names   []byte // parts of equal size, or nil
	taken   []int  // what takeAll returned

	// The current call.
	bufs [][]byte
	n    int
	err  error
	try  func(fd uintptr) bool // call, as a value that is allocated only once
}

// NewBatchReceiver makes a BatchReceiver for up to size messages a call. A size of
// less than 1 is EINVAL. A size of more than [rawmsg.UIO_MAXIOV] means that number,
// which is the kernel's limit. Options and errors are those of [NewReceiver].
func NewBatchReceiver(conn syscall.Conn, size int, opts Options) (*BatchReceiver, error) {
	if size < 1 {
		return nil, errArgument("a batch of %d messages", size)
	}
	size = min(size, rawmsg.UIO_MAXIOV)
	end, room, err := opts.open(conn)
	if err != nil {
		return nil, err
	}
	end.share()
	b := &BatchReceiver{
		end: end, opts: opts,
		msgs:    make([]*Message, size),
		hdrs:    make([]mmsghdr, size),
		iovs:    make([]iovec, size),
		control: make([]byte, size*room),
	}
	if opts.From {
		b.names = make([]byte, size*sockaddrLen)
	}
	for i := range b.msgs {
		b.msgs[i] = &Message{message: newMessage()}
		b.msgs[i].fds = make([]int, 0, opts.MaxFDs)
	}
	b.try = b.call
	return b, nil
}

// piece returns part i of s, which has n parts of equal size.
func piece[T any](s []T, i, n int) []T {
	size := len(s) / n
	return s[i*size : (i+1)*size : (i+1)*size]
}

// Recv waits for a message. It receives that message and all others that are
// there by then, but at most as many as there are buffers in bufs, and at most the
// size of the batch. The payload of message i is in bufs[i]. The messages belong to
// the BatchReceiver. They are valid until the next call, which closes what was not
// taken.
//
// [Message.Err] reports what is wrong with one message: [ErrTruncated] or
// [ErrPayloadTruncated]. The descriptors of that message have been closed, as for
// [Receiver.Recv]. An error of Recv itself is about the call: [io.EOF] and the
// other errors of Receiver.Recv. Then there is no message. An error that ends a
// batch early is reported by the next call. ECONNRESET (the peer has reset the
// connection) is reported once, before the messages that are still there.
func (b *BatchReceiver) Recv(bufs [][]byte) ([]*Message, error) {
	closeUnwanted(b.takeAll())
	if b.closed {
		return nil, errClosed
	}
	b.bufs = bufs[:min(len(bufs), len(b.msgs))]
	if err := b.checkBuffers(); err != nil {
		return nil, err
	}
	b.n, b.err = 0, errNotCalled
	err := b.end.read(b.try)
	if b.err == nil { // messages came, whatever else the connection says
		return b.finish(err)
	}
	if err == nil {
		err = os.NewSyscallError("recvmmsg", b.err)
	}
	return nil, err
}

// Discard closes the descriptors that were not taken from the messages of the
// last batch. It is faster than Close of each message, because the descriptors of
// a batch usually have consecutive numbers. [CloseFDs] says what this means for the
// error.
func (b *BatchReceiver) Discard() error { return closeFDs(b.takeAll()) }

// takeAll takes what was not taken from the messages of the last batch.
func (b *BatchReceiver) takeAll() []int {
	b.taken = b.taken[:0]
	for _, m := range b.msgs {
		b.taken = m.takeAll(b.taken)
	}
	return b.taken
}

// Close is [BatchReceiver.Discard]. From then on, Recv returns [net.ErrClosed]. The
// connection stays open: it is the caller's.
func (b *BatchReceiver) Close() error {
	b.closed = true
	return b.Discard()
}

func (b *BatchReceiver) checkBuffers() error {
	if len(b.bufs) == 0 {
		return errArgument("no buffers")
	}
	typ, err := b.end.kind()
	if err != nil {
		return err
	}
	for _, buf := range b.bufs {
		if len(buf) == 0 && typ == rawmsg.SOCK_STREAM {
			return ErrNoPayload
		}
	}
	return nil
}

// call makes the system call. Where the kernel does the waiting, it waits only
// for the first message. If call has received a batch already, it does nothing.
func (b *BatchReceiver) call(fd uintptr) (done bool) {
	if b.err == nil {
		return true
	}
	n := len(b.msgs)
	for i, buf := range b.bufs {
		b.hdrs[i].Len = 0
		setPiece(&b.iovs[i], buf)
		fillHeader(&b.hdrs[i].Hdr, &b.iovs[i], piece(b.control, i, n), piece(b.names, i, n))
	}
	b.n, b.err = recvBatch(int(fd), b.hdrs[:len(b.bufs)], b.end.wait|rawmsg.MSG_CMSG_CLOEXEC)
	return b.err != syscall.EAGAIN || !b.end.waits(0)
}

// recvBatch receives as many messages as there are, and waits at most for the
// first. gVisor does not know MSG_WAITFORONE, which is needed only where the
// kernel waits: there it takes two calls.
func recvBatch(fd int, hdrs []mmsghdr, flags int) (n int, err error) {
	if flags&rawmsg.MSG_DONTWAIT != 0 {
		return recvmmsg(fd, hdrs, flags)
	}
	n, err = recvmmsg(fd, hdrs, flags|rawmsg.MSG_WAITFORONE)
	if err != syscall.EINVAL {
		return n, err
	}
	n, err = recvmmsg(fd, hdrs[:1], flags)
	if err != nil || len(hdrs) == 1 {
		return n, err
	}
	more, _ := recvmmsg(fd, hdrs[1:], flags|rawmsg.MSG_DONTWAIT)
	return n + more, nil
}

// finish looks at every message that the kernel has reported. If there is an error of
// the connection nevertheless, it closes what was received.
func (b *BatchReceiver) finish(connErr error) ([]*Message, error) {
	size := len(b.msgs)
	for i := range b.n {
		m, h := b.msgs[i], &b.hdrs[i]
		control, name := piece(b.control, i, size), piece(b.names, i, size)
		m.set(&h.Hdr, b.end.typ, b.bufs[i][:h.Len], control, name)
		m.accept(b.opts.MaxFDs, &b.opts)
		if connErr != nil {
			m.drop()
		}
	}
	if connErr != nil {
		return nil, connErr
	}
	n := b.withoutEnd()
	for _, m := range b.msgs[n:b.n] {
		m.drop()
	}
	if n == 0 {
		return nil, io.EOF
	}
	return b.msgs[:n], nil
}

// withoutEnd returns how many messages came before the end of the connection. The
// kernel reports the end once for each of the remaining buffers. So what looks like
// the end is an empty seqpacket message in three cases: another message follows it,
// the kernel has not used all buffers, or the socket has not ended by now.
func (b *BatchReceiver) withoutEnd() int {
	n := b.n
	for n > 0 && b.end.isEnd(b.msgs[n-1].message) {
		n--
	}
	if n < b.n && b.end.typ == rawmsg.SOCK_SEQPACKET && (b.n < len(b.bufs) || b.end.goesOn()) {
		return b.n
	}
	return n
}

var _ io.Closer = (*BatchReceiver)(nil)
