package main

import (
	"os"

	"example.com/fdpass/rawmsg"
)

// terminalColumns is how many columns the terminal f has, 0 if it does not say,
// and whether f is one.
func terminalColumns(f *os.File) (columns int, ok bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, false
	}
	var callErr error
	err = raw.Control(func(fd uintptr) { _, columns, callErr = rawmsg.Winsize(int(fd)) })
	return columns, err == nil && callErr == nil
}
