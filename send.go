package fdpass

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// SendFDs sends fds in one message over sock, the bare descriptor of a Unix
// socket of any type, with one zero byte as payload, as [RecvFDs] expects it. It
// waits in the kernel, as sendmsg(2) does, and is retried on EINTR. The kernel
// duplicates the descriptors: the caller's stay open, and may be closed as soon
// as it returns.
//
// Errors are those of [Sender.SendMessage].
func SendFDs(sock int, fds ...int) error {
	_, err := sendOnce(FD(sock), zeroByte, fds)
	return err
}

// Send is [SendFDs] for a [*net.UnixConn] or another [syscall.Conn] and for
// files. It waits in Go's poller: the connection's write deadline holds, and
// closing it ends the wait. The files stay the caller's and stay as they are:
// one that was nonblocking still is. A closed one is [os.ErrClosed].
func Send(conn syscall.Conn, files ...*os.File) error {
	_, err := SendMsg(conn, zeroByte, files...)
	return err
}

// SendMsg is [Send] with a payload, of which it returns how many bytes went. On
// a stream it waits until all have, and p must not be empty where there are
// files ([ErrNoPayload]). The other errors are those of Send and of
// [Sender.SendMessage].
func SendMsg(conn syscall.Conn, p []byte, files ...*os.File) (n int, err error) {
	if err := checkCount(len(files)); err != nil {
		return 0, err
	}
	err = withFDs(files, make([]int, 0, len(files)), func(fds []int) (err error) {
		n, err = sendOnce(conn, p, fds)
		return err
	})
	return n, err
}

// zeroByte is the payload of a message that has nothing to say.
var zeroByte = []byte{0}

// withFDs calls f with the files' descriptors, all of which stay open until it
// returns, even if somebody closes the files meanwhile. (*os.File).Fd would do
// neither that, nor leave a nonblocking file as it is.
func withFDs(files []*os.File, fds []int, f func(fds []int) error) error {
	if len(files) == 0 {
		return f(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return fmt.Errorf("fdpass: file to send: %w", err)
	}
	cerr := raw.Control(func(fd uintptr) {
		err = withFDs(files[1:], append(fds, int(fd)), f)
	})
	if cerr != nil {
		return fmt.Errorf("fdpass: file to send: %w", os.ErrClosed)
	}
	return err
}

// spareSenders are for the functions that send once.
var spareSenders = sync.Pool{New: func() any {
	s := &Sender{}
	s.try = s.push
	return s
}}

// sendOnce sends one message with a Sender that is somebody else's afterwards.
func sendOnce(conn syscall.Conn, p []byte, fds []int) (int, error) {
	if err := checkCount(len(fds)); err != nil {
		return 0, err
	}
	end, err := open(conn)
	if err != nil {
		return 0, err
	}
	s := spareSenders.Get().(*Sender)
	s.end = end
	n, err := s.Send(p, fds...)
	s.end, s.payload, s.iov.Base = endpoint{}, nil, nil
	spareSenders.Put(s)
	return n, err
}
