package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// archive writes what the kernel unpacks as its first file system: cpio's
// "newc" format, Documentation/driver-api/early-userspace/buffer-format.rst.
// It keeps the first error to itself until close.
type archive struct {
	w   *bufio.Writer
	ino int
	err error
}

func newArchive(w io.Writer) *archive { return &archive{w: bufio.NewWriter(w)} }

// Kinds of file in a mode: inode(7).
const (
	modeDir     = 0o040000
	modeFile    = 0o100000
	modeConsole = 0o020000 // a character device, which here is /dev/console
)

func (a *archive) dir(name string)            { a.entry(name, modeDir|0o755, nil, 0, 0) }
func (a *archive) file(name string, b []byte) { a.entry(name, modeFile|0o755, b, 0, 0) }
func (a *archive) console(name string)        { a.entry(name, modeConsole|0o600, nil, 5, 1) }

// entry writes a header of 13 numbers in hexadecimal, the name and the data,
// both padded to four bytes.
func (a *archive) entry(name string, mode int, data []byte, major, minor int) {
	a.ino++
	header := "070701"
	for _, n := range []int{
		a.ino, mode,
		0, 0, // uid, gid
		1, 0, // nlink, mtime
		len(data),
		0, 0, // the device it stands on
		major, minor,
		len(name) + 1,
		0, // checksum, not in this format
	} {
		header += fmt.Sprintf("%08x", n)
	}
	a.padded(header + name + "\x00")
	a.padded(string(data))
}

func (a *archive) padded(s string) {
	if a.err == nil {
		_, a.err = a.w.WriteString(s + strings.Repeat("\x00", -len(s)&3))
	}
}

// close writes the end of the archive.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil, 0, 0)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}
