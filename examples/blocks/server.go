//go:build linux && go1.24

package main

import (
	"io"
	"log"
	"net"
	"os"

	"example.com/fdpass"
)

// serve serves the blocks of a directory.
func serve(l *net.UnixListener, dir string) error {
	root, err := os.OpenRoot(dir) // no name leads out of it
	if err != nil {
		return err
	}
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if err := answer(conn, root); err != nil {
				log.Print("blocks: ", err)
			}
		}()
	}
}

// answer serves one client. It receives a message with a name, and answers with two
// descriptors or with an error as text.
func answer(conn *net.UnixConn, root *os.Root) error {
	name := make([]byte, 255)
	for {
		n, _, err := fdpass.RecvMsg(conn, name, 0)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := handOut(conn, root, string(name[:n])); err != nil {
			return err
		}
	}
}

func handOut(conn *net.UnixConn, root *os.Root, name string) error {
	data, err := root.Open(name + ".data")
	if err != nil {
		_, err = fdpass.SendMsg(conn, []byte(err.Error()))
		return err
	}
	defer data.Close()
	meta, err := root.Open(name + ".meta")
	if err != nil {
		_, err = fdpass.SendMsg(conn, []byte(err.Error()))
		return err
	}
	defer meta.Close()
	_, err = fdpass.SendMsg(conn, []byte("ok"), data, meta)
	return err
}
