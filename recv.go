package fdpass

import (
	"os"
	"sync"
	"syscall"
)

// RecvFDs receives one message from sock, the bare descriptor of a Unix socket
// of any type, and returns the descriptors that came with it: at most max, which
// may be 0 to [MaxFDs], and none if it brought none. It waits in the kernel, as
// recvmsg(2) does, and is retried on EINTR. The descriptors are close-on-exec and
// the caller's, who closes them.
//
// Of the payload it reads one byte, where [SendFDs] puts one, and drops it. On a
// stream what follows stays for the next read; of a datagram the rest is gone.
//
// On an error nothing is open that was not before. [ErrTruncated]: there were
// more than max, or the descriptor table is full. [io.EOF]: the peer has closed
// the connection. [ErrNotUnix], EINVAL or another *[os.SyscallError]: an
// argument is not what it should be, or recvmsg failed.
func RecvFDs(sock, max int) ([]int, error) {
	r, err := borrowReceiver(FD(sock), max)
	if err != nil {
		return nil, err
	}
	defer r.giveBack()
	m, err := r.recv(r.one[:], r.opts.MaxFDs, 0)
	if m == nil || m.Truncated() {
		return nil, err
	}
	return m.TakeFDs(), nil
}

// Recv is [RecvFDs] for a [*net.UnixConn] or another [syscall.Conn], with the
// descriptors as files, which the caller closes. It waits in Go's poller: the
// connection's read deadline holds ([os.ErrDeadlineExceeded]), and closing the
// connection ends the wait ([net.ErrClosed]). The other errors are those of
// RecvFDs.
func Recv(conn syscall.Conn, max int) ([]*os.File, error) {
	r, err := borrowReceiver(conn, max)
	if err != nil {
		return nil, err
	}
	defer r.giveBack()
	m, err := r.recv(r.one[:], r.opts.MaxFDs, 0)
	if m == nil || m.Truncated() {
		return nil, err
	}
	return m.TakeFiles(), nil
}

// RecvMsg is [Recv] with the payload, of which it receives up to len(p) bytes
// into p and returns the number. With [ErrTruncated] the payload is good, and
// the descriptors are closed; likewise with [ErrPayloadTruncated], when a
// datagram or seqpacket message was longer than p. On a stream p must not be
// empty ([ErrNoPayload]), and the descriptors belong to the last of the n bytes.
// The other errors are those of Recv.
func RecvMsg(conn syscall.Conn, p []byte, max int) (n int, files []*os.File, err error) {
	r, err := borrowReceiver(conn, max)
	if err != nil {
		return 0, nil, err
	}
	defer r.giveBack()
	m, err := r.recv(p, r.opts.MaxFDs, 0)
	if m == nil {
		return 0, nil, err
	}
	if err == nil {
		files = m.TakeFiles()
	}
	return len(m.Payload()), files, err
}

// fixedRoom is what the one-call functions leave beside the descriptors. They do
// not ask the socket what it has switched on, as [NewReceiver] does, but must not
// lose a descriptor because credentials came first. Where nothing else comes,
// descriptors beyond max may get in here; they are closed and reported like
// those that the kernel turned away. There is no room for security labels, which
// are long and rare: a socket with SO_PASSSEC wants a [Receiver].
var fixedRoom = room{
	before: CmsgSpace(timestampLen) + CmsgSpace(credentialsLen),
	after:  CmsgSpace(intLen) + CmsgSpace(intLen), // pidfd, bytes in the queue
}

// spareReceivers are for the functions that receive once, and have room for the
// largest message.
var spareReceivers = sync.Pool{New: func() any {
	r := &Receiver{opts: Options{MaxFDs: MaxFDs}, room: fixedRoom}
	r.init(make([]byte, fixedRoom.size(MaxFDs)))
	return r
}}

// borrowReceiver is a Receiver for one call, with at most max descriptors.
func borrowReceiver(conn syscall.Conn, max int) (*Receiver, error) {
	if max < 0 {
		return nil, errArgument("%d descriptors at most", max)
	}
	end, err := open(conn)
	if err != nil {
		return nil, err
	}
	r := spareReceivers.Get().(*Receiver)
	r.end, r.opts.MaxFDs = end, min(max, MaxFDs)
	return r, nil
}

// giveBack closes what the caller has not taken, and lets go of all that is his.
func (r *Receiver) giveBack() {
	r.msg.Close()
	r.msg.payload, r.payload, r.iov.Base = nil, nil, nil
	r.end = endpoint{}
	spareReceivers.Put(r)
}
