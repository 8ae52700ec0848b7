package main

import (
	"context"
	"net"
	"os"
	"syscall"

	"github.com/ftrvxmtrx/fd"
	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"
)

// Each of these is what a careful user of the library writes: buffers are made
// once, of the size that the descriptors need, and used again.

// ways makes a way of a function that receives descriptors and one that sends
// some.
func ways(n int, recv func() ([]int, error), send func() error) *way {
	k := newKeeper()
	return &way{
		recvKeep: func() error {
			got, err := recv()
			if err != nil {
				return err
			}
			k.fds = append(k.fds, got...)
			return expect(len(got), n)
		},
		recvClose: func() error {
			got, err := recv()
			if err != nil {
				return err
			}
			return closeAll(got)
		},
		closeKept: k.close,
		send:      send,
	}
}

// standard is package net with package syscall's parser.
func standard(conn *net.UnixConn, fds []int) (*way, error) {
	p, oob := make([]byte, 1), make([]byte, syscall.CmsgSpace(4*len(fds)))
	recv := func() ([]int, error) {
		_, oobn, _, _, err := conn.ReadMsgUnix(p, oob)
		if err != nil {
			return nil, err
		}
		msgs, err := syscall.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return nil, err
		}
		if err := expect(len(msgs), 1); err != nil {
			return nil, err
		}
		return syscall.ParseUnixRights(&msgs[0])
	}
	send := func() error {
		_, _, err := conn.WriteMsgUnix(p, syscall.UnixRights(fds...), nil)
		return err
	}
	return ways(len(fds), recv, send), nil
}

// parse is x/sys's parser, which mdlayher/socket leaves to its users, too.
func parse(oob []byte) ([]int, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	if err := expect(len(msgs), 1); err != nil {
		return nil, err
	}
	return unix.ParseUnixRights(&msgs[0])
}

// xsys is golang.org/x/sys/unix on a bare descriptor.
func xsys(sock int, fds []int) (*way, error) {
	p, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4*len(fds)))
	recv := func() ([]int, error) {
		_, oobn, _, _, err := unix.Recvmsg(sock, p, oob, unix.MSG_CMSG_CLOEXEC)
		if err != nil {
			return nil, err
		}
		return parse(oob[:oobn])
	}
	send := func() error { return unix.Sendmsg(sock, p, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL) }
	return ways(len(fds), recv, send), nil
}

// mdlayherSocket is github.com/mdlayher/socket, which polls as package net does.
func mdlayherSocket(sock int) (func(fds []int) (*way, error), error) {
	f := os.NewFile(uintptr(sock), "socket")
	defer f.Close()
	conn, err := socket.FileConn(f, "socket")
	if err != nil {
		return nil, err
	}
	return func(fds []int) (*way, error) {
		p, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4*len(fds)))
		recv := func() ([]int, error) {
			_, oobn, _, _, err := conn.Recvmsg(context.Background(), p, oob, unix.MSG_CMSG_CLOEXEC)
			if err != nil {
				return nil, err
			}
			return parse(oob[:oobn])
		}
		send := func() error {
			_, err := conn.Sendmsg(context.Background(), p, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
			return err
		}
		return ways(len(fds), recv, send), nil
	}, nil
}

// ftrvxmtrxFD is github.com/ftrvxmtrx/fd, whose results are files.
func ftrvxmtrxFD(conn *net.UnixConn, fds []int) (*way, error) {
	k, own := newFileKeeper(), files(fds)
	return &way{
		recvKeep: func() error {
			got, err := fd.Get(conn, len(fds), nil)
			if err != nil {
				return err
			}
			k.files = append(k.files, got...)
			return expect(len(got), len(fds))
		},
		recvClose: func() error {
			got, err := fd.Get(conn, len(fds), nil)
			if err != nil {
				return err
			}
			return closeFiles(got)
		},
		closeKept: k.close,
		send:      func() error { return fd.Put(conn, own...) },
	}, nil
}
