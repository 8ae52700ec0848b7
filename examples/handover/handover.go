//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"syscall"
	"time"

	"example.com/fdpass"
)

// patience is how long one process waits for the other one's next step.
const patience = 30 * time.Second

// listen gets the listening sockets from the version that is running, and returns the
// connection to it. If no version is running, it makes the sockets.
func (s *server) listen() (predecessor *net.UnixConn, err error) {
	addr := &net.UnixAddr{Name: s.path, Net: "unix"}
	predecessor, err = net.DialUnix("unix", nil, addr)
	switch {
	case err == nil:
		return predecessor, s.takeOver(predecessor)
	case errors.Is(err, syscall.ECONNREFUSED): // left by one that crashed
		os.Remove(s.path)
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	tcp, err := net.Listen("tcp", s.address)
	if err != nil {
		return nil, err
	}
	s.web = tcp.(*net.TCPListener)
	if s.control, err = net.ListenUnix("unix", addr); err != nil {
		return nil, err
	}
	s.control.SetUnlinkOnClose(false) // the successor has it open
	return nil, nil
}

// takeOver receives the listening sockets from the previous version.
func (s *server) takeOver(predecessor *net.UnixConn) error {
	predecessor.SetDeadline(time.Now().Add(patience))
	_, files, err := fdpass.RecvExactly(predecessor, make([]byte, 1), 2)
	if err != nil {
		return fmt.Errorf("taking over: %w", err)
	}
	defer files[0].Close() // FileListener makes duplicates
	defer files[1].Close()
	web, err := net.FileListener(files[0])
	if err != nil {
		return fmt.Errorf("taking over: %w", err)
	}
	control, err := net.FileListener(files[1])
	if err != nil {
		return fmt.Errorf("taking over: %w", err)
	}
	var isTCP, isUnix bool
	s.web, isTCP = web.(*net.TCPListener)
	s.control, isUnix = control.(*net.UnixListener)
	if !isTCP || !isUnix {
		return errors.New("taking over: these are not the sockets of a handover server")
	}
	return nil
}

// ready informs the previous version that this one serves.
func ready(predecessor *net.UnixConn) error {
	defer predecessor.Close()
	_, err := predecessor.Write([]byte{1})
	return err
}

// awaitSuccessor gives the sockets to each process that asks for them, until one of
// them serves. It returns false when the control socket has been closed.
func (s *server) awaitSuccessor() bool {
	for {
		conn, err := s.control.AcceptUnix()
		if err != nil {
			return false
		}
		err = s.handOver(conn)
		conn.Close()
		if err == nil {
			return true
		}
		log.Printf("handover: version %s goes on: %v", s.version, err)
	}
}

// handOver sends the listening sockets over conn and waits until the other side says
// that it serves. If that never comes, nothing has changed.
func (s *server) handOver(conn *net.UnixConn) error {
	conn.SetDeadline(time.Now().Add(patience))
	cred, err := fdpass.PeerCredentials(conn)
	if err != nil {
		return err
	}
	if int(cred.UID) != os.Getuid() {
		return fmt.Errorf("process %d of user %d wants to take over", cred.PID, cred.UID)
	}
	web, err := s.web.File() // a duplicate
	if err != nil {
		return err
	}
	defer web.Close()
	control, err := s.control.File()
	if err != nil {
		return err
	}
	defer control.Close()
	if err := fdpass.Send(conn, web, control); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}
