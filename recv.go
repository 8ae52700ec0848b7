package fdpass

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// RecvFDs receives one message from sock, the bare descriptor of a Unix socket of
// any type. It returns the descriptors that came with the message: at most max (0
// to [rawmsg.SCM_MAX_FD]; a larger number means SCM_MAX_FD), or none if it brought
// none. The caller closes them. They are close-on-exec. RecvFDs waits in the kernel,
// as recvmsg(2) does, and tries again after EINTR.
//
// RecvFDs reads one byte of payload, which [SendFDs] sends, and drops it. On a
// stream, what follows stays for the next read. The rest of a datagram is lost.
//
// After an error nothing is open that was not open before. [ErrTruncated] means
// that more than max descriptors came, or that the descriptor table is full
// (EMFILE). [io.EOF] means that the peer has closed the connection. With
// [ErrNotUnix], EINVAL or another *[os.SyscallError], an argument is wrong or
// recvmsg failed.
//
// RecvFDs asks the kernel whether sock is a Unix socket only if the first try to
// receive brings no descriptors. So a TCP socket on which data are waiting loses one
// byte before the error is ErrNotUnix. A [Receiver] asks first.
func RecvFDs(sock, max int) (fds []int, err error) {
	if max < 0 {
		return nil, errArgument("%d descriptors at most", max)
	}
	end, err := openLater(sock)
	if err != nil {
		return nil, err
	}
	r := spareReceivers.Get().(*Receiver)
	r.end, r.opts.anyPayload = end, true
	clear(r.control[:wordLen]) // gVisor leaves buffer and length as they are at the end of a TCP connection
	m, err := r.recv(r.one[:], min(max, rawmsg.SCM_MAX_FD), 0)
	if err == nil {
		fds = m.TakeFDs()
	}
	r.giveBack()
	return fds, err
}

// Recv is [RecvFDs] for a [*net.UnixConn] or another [syscall.Conn], with the
// descriptors as files, which the caller closes. It waits in Go's poller: the
// connection's read deadline holds ([os.ErrDeadlineExceeded]), and closing the
// connection ends the wait ([net.ErrClosed]). The other errors are those of
// RecvFDs.
//
// There may be fewer files than max, and none at all: see [RecvFile] and
// [RecvExactly].
func Recv(conn syscall.Conn, max int) ([]*os.File, error) {
	_, files, err := recvOnce(conn, nil, max, takeFiles)
	return files, err
}

// RecvMsg is [Recv] with the payload. It receives up to len(p) bytes into p and
// returns their number. With [ErrTruncated], and with [ErrPayloadTruncated] (a
// datagram or seqpacket message was longer than p), the payload is valid and the
// descriptors have been closed. On a stream p must not be empty ([ErrNoPayload]).
// The other errors are those of Recv.
func RecvMsg(conn syscall.Conn, p []byte, max int) (n int, files []*os.File, err error) {
	return recvOnce(conn, orEmpty(p), max, takeFiles)
}

// RecvMsgFDs is [RecvMsg] with the descriptors as bare numbers, which the caller
// closes.
func RecvMsgFDs(conn syscall.Conn, p []byte, max int) (n int, fds []int, err error) {
	return recvOnce(conn, orEmpty(p), max, (*Message).TakeFDs)
}

// RecvFile is [Recv] for exactly one file, which the caller closes. If the message
// brought none, or more than one, everything that came is closed and the error is
// [ErrCount].
func RecvFile(conn syscall.Conn) (*os.File, error) {
	_, files, err := recvExactly(conn, nil, 1)
	if err != nil {
		return nil, err
	}
	return files[0], nil
}

// RecvExactly is [RecvMsg] for exactly want files, which the caller closes. If the
// message brought fewer or more, everything that came is closed and the error is
// [ErrCount]. The payload is valid then, too: it may say why there is no file.
func RecvExactly(conn syscall.Conn, p []byte, want int) (n int, files []*os.File, err error) {
	return recvExactly(conn, orEmpty(p), want)
}

// orEmpty replaces nil by an empty buffer. For recvOnce and recvExactly, nil means
// that the caller does not want the payload.
func orEmpty(p []byte) []byte {
	if p == nil {
		return []byte{}
	}
	return p
}

func takeFiles(m *Message) []*os.File { return m.TakeFiles() }

// recvExactly receives want files or none.
func recvExactly(conn syscall.Conn, p []byte, want int) (int, []*os.File, error) {
	got := 0
	n, files, err := recvOnce(conn, p, want, func(m *Message) []*os.File {
		if got = len(m.FDs()); got != want {
			return nil
		}
		return m.TakeFiles()
	})
	var surplus *surplusError
	switch {
	case errors.As(err, &surplus):
		err = &countError{want: want, got: -1, payload: n, err: err}
	case err == nil && got != want:
		err = errCount(want, got, n)
	}
	return n, files, err
}

// recvOnce receives one message with a Receiver of spareReceivers. What take does
// not take is closed. If p is nil, one byte of payload is read and dropped.
func recvOnce[T any](
	conn syscall.Conn, p []byte, max int, take func(*Message) []T,
) (n int, got []T, err error) {
	if max < 0 {
		return 0, nil, errArgument("%d descriptors at most", max)
	}
	end, err := open(conn)
	if err != nil {
		return 0, nil, err
	}
	r := spareReceivers.Get().(*Receiver)
	defer r.giveBack()
	r.end = end
	if r.opts.anyPayload = p == nil; r.opts.anyPayload {
		p = r.one[:]
	}
	m, err := r.recv(p, min(max, rawmsg.SCM_MAX_FD), 0)
	if m == nil {
		return 0, nil, err
	}
	if err == nil {
		got = take(m)
	}
	return len(m.Payload()), got, err
}

// spareReceivers are for the functions that receive one message. They have room
// for everything except a security label, which is long and rare: a socket with
// SO_PASSSEC needs a [Receiver].
var spareReceivers = sync.Pool{New: func() any {
	return newReceiver(endpoint{}, Options{MaxFDs: rawmsg.SCM_MAX_FD}, commonRoom)
}}

// giveBack puts r back into spareReceivers. It closes what the caller has not
// taken, and keeps nothing that belongs to the caller.
func (r *Receiver) giveBack() {
	r.msg.drop()
	r.msg.payload, r.payload, r.iov = nil, nil, iovec{}
	r.end = endpoint{}
	spareReceivers.Put(r)
}
