//go:build linux && go1.24

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"syscall"

	"example.com/fdpass"
)

// helper opens files below root for the processes of one user.
type helper struct {
	root *os.Root
	uid  int
}

// serve serves clients until the listener is closed.
func (h *helper) serve(l *net.UnixListener) error {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if err := h.answer(conn); err != nil {
				log.Print("opener: ", err)
			}
		}()
	}
}

// answer serves one client until the client closes the connection.
func (h *helper) answer(conn *net.UnixConn) error {
	cred, err := fdpass.PeerCredentials(conn)
	if err != nil {
		return err
	}
	if int(cred.UID) != h.uid {
		return fmt.Errorf("refused: process %d of user %d", cred.PID, cred.UID)
	}
	// The Receiver asks for no descriptors: if the client sends one, it is closed.
	r, err := fdpass.NewReceiver(conn, fdpass.Options{})
	if err != nil {
		return err
	}
	name := make([]byte, 4096)
	for {
		m, err := r.Recv(name)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("process %d: %w", cred.PID, err)
		}
		if err := h.pass(conn, string(m.Payload())); err != nil {
			return err
		}
	}
}

// pass sends one file, or an error as text.
func (h *helper) pass(conn *net.UnixConn, name string) error {
	f, err := h.open(name)
	if err != nil {
		_, err := fdpass.SendMsg(conn, []byte(err.Error()))
		return err
	}
	defer f.Close() // the client has its own
	_, err = fdpass.SendMsg(conn, []byte("ok"), f)
	return err
}

// open opens a file for reading, as far as the policy allows.
func (h *helper) open(name string) (*os.File, error) {
	// Without O_NONBLOCK, opening a FIFO would wait for its writer.
	f, err := h.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat() // of what is open, not of what the name means by now
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
