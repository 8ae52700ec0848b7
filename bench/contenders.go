package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// contender opens a socket its way, and then makes a way for each number of
// descriptors: those to send, and as many to receive.
type contender func(sock int) (func(fds []int) (*way, error), error)

// contenders are those that are written in Go, by the names that child knows.
var contenders = map[string]contender{
	"RecvFDs":         onBare(recvFDs),
	"Receiver-bare":   onBare(bareReceiver),
	"Receiver-conn":   onConn(connReceiver),
	"Recv-files":      onConn(recvFiles),
	"Batch-bare":      onBare(bareBatch),
	"Batch-conn":      onConn(connBatch),
	"standard":        onConn(standard),
	"xsys":            onBare(xsys),
	"mdlayher-socket": mdlayherSocket,
	"ftrvxmtrx-fd":    onConn(ftrvxmtrxFD),
}

func onBare(f func(sock int, fds []int) (*way, error)) contender {
	return func(sock int) (func([]int) (*way, error), error) {
		return func(fds []int) (*way, error) { return f(sock, fds) }, nil
	}
}

func onConn(f func(conn *net.UnixConn, fds []int) (*way, error)) contender {
	return func(sock int) (func([]int) (*way, error), error) {
		conn, err := unixConn(sock)
		if err != nil {
			return nil, err
		}
		return func(fds []int) (*way, error) { return f(conn, fds) }, nil
	}
}

// unixConn makes a descriptor a net.UnixConn.
func unixConn(sock int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(sock), "socket")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

// expect reports whether all descriptors came.
func expect(got, want int) error {
	if got != want {
		return fmt.Errorf("%d descriptors came, not %d", got, want)
	}
	return nil
}

// keeper holds received descriptors.
type keeper struct{ fds []int }

func newKeeper() *keeper { return &keeper{make([]int, 0, maxKept)} }

func (k *keeper) close() error {
	err := closeAll(k.fds)
	k.fds = k.fds[:0]
	return err
}

func closeAll(fds []int) error {
	for _, fd := range fds {
		if err := syscall.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// files makes files of descriptors, without taking them over.
func files(fds []int) []*os.File {
	fs := make([]*os.File, len(fds))
	for i, fd := range fds {
		fs[i] = os.NewFile(uintptr(fd), os.DevNull)
	}
	return fs
}

// fileKeeper holds received files.
type fileKeeper struct{ files []*os.File }

func newFileKeeper() *fileKeeper { return &fileKeeper{make([]*os.File, 0, maxKept)} }

func (k *fileKeeper) close() error {
	err := closeFiles(k.files)
	clear(k.files)
	k.files = k.files[:0]
	return err
}

func closeFiles(files []*os.File) error {
	for _, f := range files {
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
