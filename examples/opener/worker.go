//go:build linux && go1.24

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"example.com/fdpass"
)

// become gives up the privileges of root for good. The user comes last, since nothing
// else can be changed after it.
func become(uid int) error {
	if os.Geteuid() != 0 || uid == 0 {
		return nil // nothing to give up, or not wanted
	}
	if err := syscall.Setgroups(nil); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setgid(uid); err != nil {
		return os.NewSyscallError("setgid", err)
	}
	if err := syscall.Setuid(uid); err != nil {
		return os.NewSyscallError("setuid", err)
	}
	if syscall.Setuid(0) == nil {
		return errors.New("still able to become root")
	}
	return nil
}

// read copies a file that the helper has opened to out.
func read(addr *net.UnixAddr, name string, out io.Writer) error {
	conn, err := net.DialUnix("unixpacket", nil, addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	f, err := request(conn, name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}

// request asks the helper for one file.
func request(conn *net.UnixConn, name string) (*os.File, error) {
	if _, err := fdpass.SendMsg(conn, []byte(name)); err != nil {
		return nil, hungUp(err)
	}
	answer := make([]byte, 4096)
	n, files, err := fdpass.RecvExactly(conn, answer, 1)
	if errors.Is(err, fdpass.ErrCount) {
		return nil, fmt.Errorf("refused: %s", answer[:n])
	}
	if err != nil {
		return nil, hungUp(err)
	}
	return files[0], nil
}

// hungUp explains the three errors of a closed connection: it was closed after
// everything was read, before that, or before the request was sent.
func hungUp(err error) error {
	if err == io.EOF || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("refused: the helper has closed the connection (%w)", err)
	}
	return err
}
