package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"example.com/fdpass"
)

func (s *sender) run(args []string) error {
	addr, err := s.parse(args)
	if err != nil {
		return err
	}
	end := deadline(s.timeout)
	files, err := openAll(args[1:], s.write, end)
	defer closeAll(files)
	if err != nil {
		return err
	}
	if s.listen {
		return s.serve(addr.name, files)
	}
	conn, err := addr.dial(s.wait, end)
	if err != nil {
		return err
	}
	defer conn.Close()
	return s.send(conn, end, files)
}

// parse finds as many mistakes as there can be found before anything is opened.
func (s *sender) parse(args []string) (addr address, err error) {
	if len(args) < 2 {
		return addr, usagef("send: SOCKET and FILE are needed; see fdpass send -h")
	}
	if err := noFlags("send", args); err != nil {
		return addr, err
	}
	if addr, err = parseAddress(args[0]); err != nil {
		return addr, err
	}
	switch {
	case !s.listen && (s.many || s.mode != "" || s.group != "" || s.from != ""):
		return addr, usagef("send: -many, -mode, -group and -from are for -listen")
	case s.listen && (addr.fd >= 0 || s.wait):
		return addr, usagef("send: -listen makes a socket at a path or with an @name, " +
			"and has nothing to wait for")
	case (s.mode != "" || s.group != "") && strings.HasPrefix(addr.name, "@"):
		return addr, usagef("send: -mode and -group are for a socket at a path")
	}
	if s.access, err = parseAccess("send", s.mode, s.group); err != nil {
		return addr, err
	}
	if s.uid, err = parseUser("send", s.from); err != nil {
		return addr, err
	}
	return addr, s.parsePayload()
}

// parsePayload reads -data and -hex.
func (s *sender) parsePayload() (err error) {
	file, isFile := strings.CutPrefix(s.data, "@")
	switch {
	case s.hex != "" && s.data != "\x00":
		return usagef("send: either -data or -hex")
	case s.hex != "":
		digits := strings.Join(strings.Fields(s.hex), "")
		if s.payload, err = hex.DecodeString(digits); err != nil {
			return usagef("send: -hex: wants pairs of hex digits: %v", err)
		}
	case isFile:
		s.payload, err = os.ReadFile(file)
	default:
		s.payload = []byte(s.data)
	}
	return err
}

func (s *sender) send(conn *net.UnixConn, end time.Time, files []*os.File) error {
	if err := conn.SetWriteDeadline(end); err != nil {
		return err
	}
	n, err := fdpass.SendMsg(conn, s.payload, files...)
	if err == nil && n < len(s.payload) {
		err = fmt.Errorf("%d of %d bytes sent", n, len(s.payload))
	}
	return err
}

// serve sends the files to whoever connects.
func (s *sender) serve(name string, files []*os.File) error {
	l, err := listen(name, "unix", s.access, makePrivate)
	if err != nil {
		return err
	}
	defer l.Close()
	if !s.many {
		if err := l.SetDeadline(deadline(s.timeout)); err != nil {
			return err
		}
	}
	for {
		conn, err := l.AcceptUnix()
		switch {
		case err != nil && isFull(err):
			time.Sleep(20 * time.Millisecond)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("nobody has taken the descriptors within %v: %w", s.timeout, os.ErrDeadlineExceeded)
		case err != nil:
			return err
		case s.many:
			go s.serveOne(conn, files)
		case s.serveOne(conn, files):
			return nil
		}
	}
}

// serveOne reports whether it has sent the files; if not, it says why.
func (s *sender) serveOne(conn *net.UnixConn, files []*os.File) bool {
	defer conn.Close()
	p, err := peerOf(conn)
	if err == nil {
		err = admit(p, s.from, s.uid)
	}
	if err == nil {
		err = s.send(conn, deadline(s.timeout), files)
	}
	if err != nil {
		printError(err)
	}
	return err == nil
}

// noFlags refuses flags that stand after SOCKET, where they would be taken
// for files.
func noFlags(command string, args []string) error {
	for _, a := range args {
		if strings.HasPrefix(a, "-") && a != "-" {
			return usagef("%s: %s stands after SOCKET; flags go before it, a file is ./%s", command, a, a)
		}
	}
	return nil
}

// deadline is the moment at which a timeout is over; 0 is never, as the zero
// time is for package net.
func deadline(timeout time.Duration) time.Time {
	if timeout == 0 {
		return time.Time{}
	}
	return time.Now().Add(timeout)
}
