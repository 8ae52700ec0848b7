package fdpass

import (
	"os"
	"sync"
	"syscall"
)

// SendFDs sends fds in one message over sock, the bare descriptor of a Unix
// socket of any type. The payload is one zero byte, as [RecvFDs] expects it. SendFDs
// waits in the kernel, as sendmsg(2) does, and tries again after EINTR. The kernel
// duplicates the descriptors: the caller's stay open and may be closed as soon as
// SendFDs returns.
//
// Each call asks the kernel whether sock is a Unix socket, because any other socket
// would accept the descriptors and drop them without an error. This takes a fifth of
// the time of SendFDs. A [Sender] asks only once.
//
// Errors are those of [Sender.SendMessage].
func SendFDs(sock int, fds ...int) error {
	if err := checkCount(len(fds)); err != nil {
		return err
	}
	end, err := openSocket(sock)
	if err != nil {
		return err
	}
	s := spareSenders.Get().(*Sender)
	s.end = end
	_, err = s.send(&Outgoing{Payload: zeroByte, FDs: fds}, 0)
	s.giveBack()
	return err
}

// Send is [SendFDs] for a [*net.UnixConn] or another [syscall.Conn] and for
// files. It waits in Go's poller: the connection's write deadline holds, and
// closing the connection ends the wait. The files stay the caller's and stay as
// they are: a nonblocking one is still nonblocking. For a closed file the error
// matches [os.ErrClosed]. The other errors are those of [Sender.SendMessage].
func Send(conn syscall.Conn, files ...*os.File) error {
	_, err := sendOnce(conn, &Outgoing{Payload: zeroByte, Files: files})
	return err
}

// SendMsg is [Send] with a payload. It returns how many bytes of p were sent. On
// a stream it waits until all have been sent, and p must not be empty if there
// are files ([ErrNoPayload]). The other errors are those of
// [Sender.SendMessage].
func SendMsg(conn syscall.Conn, p []byte, files ...*os.File) (n int, err error) {
	return sendOnce(conn, &Outgoing{Payload: p, Files: files})
}

// SendMsgFDs is [SendMsg] for descriptors that are bare numbers. They stay the
// caller's.
func SendMsgFDs(conn syscall.Conn, p []byte, fds ...int) (n int, err error) {
	return sendOnce(conn, &Outgoing{Payload: p, FDs: fds})
}

// zeroByte is the payload of a message that needs one and has nothing to say.
var zeroByte = []byte{0}

// spareSenders are for the functions that send one message.
var spareSenders = sync.Pool{New: func() any { return newSender(endpoint{}) }}

// sendOnce sends one message with a Sender of spareSenders.
func sendOnce(conn syscall.Conn, out *Outgoing) (int, error) {
	if err := checkCount(len(out.FDs) + len(out.Files)); err != nil {
		return 0, err
	}
	end, err := open(conn)
	if err != nil {
		return 0, err
	}
	s := spareSenders.Get().(*Sender)
	s.end = end
	n, err := s.send(out, 0)
	s.giveBack()
	return n, err
}

// giveBack puts s back into spareSenders, and keeps nothing that belongs to the
// caller.
func (s *Sender) giveBack() {
	s.end, s.iov = endpoint{}, iovec{}
	clear(s.iovs)
	spareSenders.Put(s)
}
