package main

import (
	"net"
	"os"

	"example.com/fdpass"
)

// receiveFiles makes a way whose messages become files by means of take.
func receiveFiles(conn *net.UnixConn, fds []int,
	take func(m *fdpass.Message, into []*os.File) ([]*os.File, error)) (*way, error) {
	r, err := fdpass.NewReceiver(conn, fdpass.Options{MaxFDs: len(fds)})
	if err != nil {
		return nil, err
	}
	k, p := newFileKeeper(), make([]byte, 1)
	recv := func() error {
		m, err := r.Recv(p)
		if err != nil {
			return err
		}
		k.files, err = take(m, k.files)
		return err
	}
	return &way{recvKeep: recv, closeKept: k.close, recvClose: func() error {
		if err := recv(); err != nil {
			return err
		}
		return k.close()
	}}, nil
}

func takeFiles(conn *net.UnixConn, fds []int) (*way, error) {
	return receiveFiles(conn, fds, func(m *fdpass.Message, into []*os.File) ([]*os.File, error) {
		got := m.TakeFiles()
		return append(into, got...), expect(len(got), len(fds))
	})
}

func newFiles(conn *net.UnixConn, fds []int) (*way, error) {
	return receiveFiles(conn, fds, func(m *fdpass.Message, into []*os.File) ([]*os.File, error) {
		got := make([]*os.File, len(fds))
		for i, fd := range m.TakeFDs() {
			got[i] = os.NewFile(uintptr(fd), "fdpass")
		}
		return append(into, got...), nil
	})
}

// oneFile takes the first descriptor as a file and closes the others.
func oneFile(conn *net.UnixConn, fds []int) (*way, error) {
	return receiveFiles(conn, fds, func(m *fdpass.Message, into []*os.File) ([]*os.File, error) {
		for f := range m.TakeEachFile() {
			into = append(into, f)
			break
		}
		return into, m.Close()
	})
}
