package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"example.com/fdpass"
)

func (r *relay) run(args []string) error {
	from, to, err := r.parse(args)
	if err != nil {
		return err
	}
	l, closeListener, err := from.listener()
	if err != nil {
		return err
	}
	defer closeListener()
	// A socket of our own has that already, an inherited one from now on.
	if err := (fdpass.Options{Credentials: true}).Apply(l); err != nil {
		return err
	}
	for {
		conn, err := l.AcceptUnix()
		switch {
		case err == nil:
			go r.pass(conn, to)
		case isFull(err):
			printError(err)
			time.Sleep(100 * time.Millisecond) // until a connection has ended
		default:
			return err
		}
	}
}

func (r *relay) parse(args []string) (from, to address, err error) {
	if len(args) != 2 {
		return from, to, usagef("relay: LISTEN and CONNECT are needed, and nothing else; see fdpass relay -h")
	}
	if err := noFlags("relay", args); err != nil {
		return from, to, err
	}
	if from, err = parseAddress(args[0]); err != nil {
		return from, to, err
	}
	to, err = parseAddress(args[1])
	switch {
	case err != nil:
	case to.fd >= 0:
		err = usagef("relay: CONNECT is a path or @name: each connection needs another one")
	case to.name == from.name:
		err = usagef("relay: LISTEN and CONNECT are the same: each connection would make another one")
	}
	return from, to, err
}

// listener makes the socket and listens on it, or takes the inherited one.
func (a address) listener() (l *net.UnixListener, closeListener func() error, err error) {
	if a.fd < 0 {
		l, err := listen(a.name, "unix", private, withCredentials)
		if err != nil {
			return nil, nil, err
		}
		return l.UnixListener, l.Close, nil
	}
	conn, b, err := a.inherit()
	if err != nil {
		return nil, nil, err
	}
	if conn != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("%s: does not listen", a.name)
	}
	return b.UnixListener, b.Close, nil
}

// pass connects to the other socket and relays between the two. What goes wrong
// with one connection is reported, and ends no other.
func (r *relay) pass(conn *net.UnixConn, to address) {
	other, err := to.dial(r.wait, deadline(r.timeout))
	if err != nil {
		printError(err) // before the client learns of it
		conn.Close()
		return
	}
	if err := fdpass.Relay(context.Background(), conn, other); err != nil {
		printError(err)
	}
}
