//go:build linux

// Command memfd shares memory between two processes that are connected only by a Unix
// socket:
//
//	memfd serve /tmp/memfd.sock &
//	memfd upper /tmp/memfd.sock "hello, other process"
//
// The client makes a file that exists only in memory and has no name
// (memfd_create(2)), maps it, writes a text into it and passes the descriptor. The
// server maps the same pages, changes the text to upper case in place, and answers with
// one byte. No text goes through the socket.
//
// Memory that is shared with a stranger is more dangerous than a buffer. Every process
// that has the file open can make it shorter, and the next access to a missing page
// kills the process with SIGBUS. So the client seals the size (F_SEAL_SHRINK and
// F_SEAL_GROW, fcntl(2)), which nobody can undo, and the server maps the file only
// after it has checked the seals. The contents can still change at any moment. If the
// server had to check data before it used them, it would have to copy them first.
package main

import (
	"bytes"
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

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:], os.Stdout); err != nil {
		log.Fatal("memfd: ", err)
	}
}

func run(args []string, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "serve":
		l, err := net.Listen("unix", args[1])
		if err != nil {
			return err
		}
		return serve(l.(*net.UnixListener))
	case len(args) == 3 && args[0] == "upper":
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: args[1], Net: "unix"})
		if err != nil {
			return err
		}
		defer conn.Close()
		text, err := upper(conn, args[2])
		fmt.Fprintln(out, text)
		return err
	}
	return errors.New("usage: memfd serve SOCKET, memfd upper SOCKET TEXT")
}

// patience is how long one process waits for the other.
const patience = 30 * time.Second

// upper asks the server to change text to upper case.
func upper(conn *net.UnixConn, text string) (string, error) {
	conn.SetDeadline(time.Now().Add(patience))
	f, err := create(max(len(text), 1))
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := sealSize(f); err != nil {
		return "", err
	}
	mem, err := mapShared(f)
	if err != nil {
		return "", err
	}
	defer syscall.Munmap(mem)
	copy(mem, text)
	if err := fdpass.Send(conn, f); err != nil {
		return "", err
	}
	// The answer comes after the work, so now the client may read the memory. The
	// memory itself does not say when the server has finished.
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return "", fmt.Errorf("waiting for the answer: %w", err)
	}
	return string(mem[:len(text)]), nil
}

// serve serves one client after the other until the listener is closed.
func serve(l *net.UnixListener) error {
	defer l.Close()
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return err
		}
		if err := answer(conn); err != nil {
			log.Print("memfd: refused: ", err)
		}
		conn.Close()
	}
}

// answer does the work for one client.
func answer(conn *net.UnixConn) error {
	conn.SetDeadline(time.Now().Add(patience))
	f, err := fdpass.RecvFile(conn)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := checkSealed(f); err != nil {
		return err
	}
	mem, err := mapShared(f)
	if err != nil {
		return err
	}
	defer syscall.Munmap(mem)
	copy(mem, bytes.ToUpper(bytes.Clone(mem)))
	_, err = conn.Write([]byte{0})
	return err
}
