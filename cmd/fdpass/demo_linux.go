package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/printable"
	"example.com/fdpass/rawmsg"
)

// demoTime bounds the demo, in case it is given a file to read that nobody
// ever writes to.
const demoTime = 30 * time.Second

func (d *demo) run(names []string) error {
	if err := noFlags("demo", names); err != nil {
		return err
	}
	if len(names) > rawmsg.SCM_MAX_FD {
		return usagef("demo: %d files, and one message has at most %d", len(names), rawmsg.SCM_MAX_FD)
	}
	exhibits, err := exhibit(names)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), demoTime)
	defer cancel()
	conn, child, err := startReceiver(ctx)
	if err != nil {
		return err
	}
	err = d.send(conn, exhibits, child.Process.Pid)
	conn.Close()
	werr := child.Wait()
	if brokenPipe(child.ProcessState) {
		// Nobody reads on, as in "| head": end as a shell says of a program
		// that SIGPIPE has ended, without a word.
		os.Exit(128 + int(syscall.SIGPIPE))
	}
	if err == nil && werr != nil {
		err = fmt.Errorf("the receiver: %w", werr)
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("the receiver has not read everything within %v", demoTime)
	}
	return err
}

// brokenPipe reports whether a process wrote to a pipe that nobody reads.
func brokenPipe(p *os.ProcessState) bool {
	status, ok := p.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGPIPE
}

// demoPayload is the only text that goes over the socket.
const demoPayload = "here you are"

func (d *demo) send(conn *net.UnixConn, exhibits []item, receiver int) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `fdpass demo: a process hands open files to another one, over a Unix socket.

1. The sender, process %d, has these open:

`, os.Getpid())
	files := make([]*os.File, len(exhibits))
	for i, e := range exhibits {
		files[i] = e.file
		fmt.Fprintf(&b, "     fd %-4d %s\n", number(e.file), printable.Line(e.about))
	}
	fmt.Fprintf(&b, `
   It calls sendmsg(2) once, with the payload %q (%d bytes)
   and a control message of type SCM_RIGHTS that holds the numbers above.
   No file name goes over the socket.

2. The receiver, process %d, `, demoPayload, len(demoPayload), receiver)
	defer closeAll(files)
	if _, err := os.Stdout.Write(b.Bytes()); err != nil {
		return err
	}
	_, err := fdpass.SendMsg(conn, []byte(demoPayload), files...)
	return err
}

// startReceiver starts this program again, with one end of a pair of sockets
// as its descriptor 3.
func startReceiver(ctx context.Context) (*net.UnixConn, *exec.Cmd, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket")
	defer ours.Close() // package net makes a duplicate
	defer theirs.Close()
	c, err := net.FileConn(ours)
	if err != nil {
		return nil, nil, err
	}
	child := exec.CommandContext(ctx, self)
	child.Args = []string{"fdpass", "demo-receiver"}
	child.ExtraFiles = []*os.File{theirs}
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		c.Close()
		return nil, nil, err
	}
	return c.(*net.UnixConn), child, nil
}

// item is an open file and what the sender knows about it.
type item struct {
	file  *os.File
	about string
}

// exhibit opens what is to be shown.
func exhibit(names []string) (items []item, err error) {
	if len(names) == 0 {
		return ownChoice()
	}
	files, err := openAll(names, false, deadline(demoTime))
	for i, f := range files {
		items = append(items, item{f, names[i]})
	}
	return items, err
}

// ownChoice is a file that every Linux has, one that has no name at all any
// more, and a pipe, which never had one.
func ownChoice() ([]item, error) {
	version, err := openPath("/proc/version", false, time.Time{})
	if err != nil {
		return nil, err
	}
	deleted, err := deletedFile("This file was deleted before it was sent.\n" +
		"Nobody can open it by a name any more.\n")
	if err != nil {
		version.Close()
		return nil, err
	}
	pipe, err := filledPipe("These bytes were waiting in a pipe.\n")
	if err != nil {
		version.Close()
		deleted.Close()
		return nil, err
	}
	return []item{
		{version, "/proc/version, a file"},
		{deleted, "a file that is deleted already"},
		{pipe, "the reading end of a pipe"},
	}, nil
}

func deletedFile(text string) (*os.File, error) {
	dir, err := os.MkdirTemp("", "fdpass-demo-")
	if err != nil {
		return nil, fmt.Errorf("demo: no temporary file in %s, which comes from TMPDIR: %w",
			printable.Line(os.TempDir()), errors.Unwrap(err))
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "note")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("demo: no temporary file in %s: %w",
			printable.Line(os.TempDir()), errors.Unwrap(err))
	}
	return openPath(name, false, time.Time{})
}

// filledPipe is the reading end of a pipe that holds a text, no longer than a
// pipe can, and has no writer any more.
func filledPipe(text string) (*os.File, error) {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	w := os.NewFile(uintptr(p[1]), "pipe")
	defer w.Close()
	_, err := w.WriteString(text)
	return os.NewFile(uintptr(p[0]), "pipe"), err
}

// indent sets a text in from the left.
func indent(text, by string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = by + l
		}
	}
	return strings.Join(lines, "\n")
}
