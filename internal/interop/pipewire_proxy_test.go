//go:build linux

package interop

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// pipewireProxy stands between clients of PipeWire and their server. It takes the
// descriptors of each message, looks at them, and sends on both.
type pipewireProxy struct {
	front, back string // the paths of its own socket and of the server's
	take        takeFunc
	wait        func() // stops listening and waits for the end of the connections

	mu   sync.Mutex
	err  error          // what was wrong first
	seen map[string]int // descriptors, by the message and by what they are
}

// proxy starts one.
func (w *pipewire) proxy(t *testing.T, take takeFunc) *pipewireProxy {
	t.Helper()
	ln := listenUnix(t)
	x := &pipewireProxy{front: ln.Addr().String(), back: w.socket, take: take, seen: map[string]int{}}
	var group sync.WaitGroup
	fdtest.Go(&group, func() {
		for {
			conn, err := ln.AcceptUnix()
			if err != nil {
				return
			}
			fdtest.Go(&group, func() { x.note(x.serve(conn)) })
		}
	})
	x.wait = func() {
		ln.Close()
		group.Wait()
	}
	t.Cleanup(x.wait)
	return x
}

// note notes an error, unless it says that a connection has ended.
func (x *pipewireProxy) note(err error) {
	for _, end := range []error{nil, io.EOF, net.ErrClosed, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, end) {
			return
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err == nil {
		x.err = err
	}
}

// serve connects a client with the server until one of them ends.
func (x *pipewireProxy) serve(conn *net.UnixConn) error {
	client, err := pipewireDecoder(conn)
	if err != nil {
		return err
	}
	defer client.Close()
	conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: x.back, Net: "unix"})
	if err != nil {
		return err
	}
	server, err := pipewireDecoder(conn)
	if err != nil {
		return err
	}
	defer server.Close()
	ended := make(chan error, 2)
	go func() { ended <- x.pass(client, server, method) }()
	go func() { ended <- x.pass(server, client, event) }()
	x.note(<-ended)
	client.Close()
	server.Close()
	return <-ended
}

// pipewireDecoder returns a decoder of a connection, and closes it if there is none.
func pipewireDecoder(conn *net.UnixConn) (*decoder, error) {
	s, err := fdpass.NewStream(conn, fdpass.StreamOptions{MaxFDs: 1024}) // PipeWire's own limit
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &decoder{s, bufio.NewReader(s)}, nil
}
