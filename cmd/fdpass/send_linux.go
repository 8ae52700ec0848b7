package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"example.com/fdpass"
)

func (s *sender) run(args []string) error {
	if len(args) < 2 {
		return usagef("send: SOCKET and FILE are needed; see fdpass send -h")
	}
	if err := noFlags("send", args); err != nil {
		return err
	}
	addr, err := parseAddress(args[0])
	if err != nil {
		return err
	}
	end := deadline(s.timeout)
	files, err := openAll(args[1:], s.write, end)
	defer closeAll(files)
	if err != nil {
		return err
	}
	return s.send(addr, end, files)
}

func (s *sender) send(addr address, end time.Time, files []*os.File) error {
	conn, err := addr.dial(s.wait, end)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(end); err != nil {
		return err
	}
	n, err := fdpass.SendMsg(conn, []byte(s.data), files...)
	if err == nil && n < len(s.data) {
		err = fmt.Errorf("%d of %d bytes sent", n, len(s.data))
	}
	return err
}

// noFlags refuses flags that stand behind SOCKET, where they would be taken
// for files.
func noFlags(command string, args []string) error {
	for _, a := range args {
		if strings.HasPrefix(a, "-") && a != "-" {
			return usagef("%s: %s stands behind SOCKET; flags go before it, a file is ./%s", command, a, a)
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
