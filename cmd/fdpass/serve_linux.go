package main

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"example.com/fdpass"
)

// maxSessions is how many connections are served at a time, or fewer where the
// process may have few descriptors. When one more comes, the one that has brought
// nothing for the longest time is closed.
const maxSessions = 128

// sessionLimit leaves room for as many descriptors as there are connections, and
// for what the process needs itself.
func sessionLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 2*maxSessions+16 {
		return maxSessions
	}
	return max(1, (int(limit.Cur)-16)/2)
}

// server serves the connections of a listener side by side.
type server struct {
	*receiver
	listener *net.UnixListener
	serve    func(*session) error // returns what ends the server, or nil
	end      chan error           // the first of these
	served   sync.WaitGroup

	mu   sync.Mutex
	open []*session // the one that has brought something last at the end
}

// all delivers what any connection brings until something ends it all.
func (r *receiver) all(l *net.UnixListener) error {
	sv := &server{receiver: r, listener: l, end: make(chan error, 1)}
	sv.serve = func(s *session) error {
		err := s.deliverAll()
		var fatal outputError
		switch {
		case errors.As(err, &fatal):
			return err
		case err != io.EOF && err != errPrinted:
			printError(err)
		}
		return nil
	}
	go sv.accept(time.Time{})
	return <-sv.end
}

// first gathers from all connections until one has brought everything. Whoever
// ends too early or is not who is expected does not end it; whoever sends more
// than is wanted does.
func (r *receiver) first(l *net.UnixListener) (b batch, err error) {
	end := deadline(r.timeout)
	sv := &server{receiver: r, listener: l, end: make(chan error, 1)}
	won := make(chan batch, 1)
	var late error // what a connection had brought when the time was over
	sv.serve = func(s *session) error {
		b, err := s.gather(end)
		switch {
		case err == nil:
			select {
			case won <- b:
			default: // somebody else was first
				closeAll(b.files)
			}
			return errWon
		case errors.Is(err, os.ErrDeadlineExceeded) && !s.lost():
			sv.mu.Lock()
			defer sv.mu.Unlock()
			if late == nil && b.bytes > 0 {
				late = err
			}
		case errors.Is(err, fdpass.ErrTruncated):
			return err
		case !errors.Is(err, io.EOF) || b.bytes > 0:
			printError(err)
		}
		return nil
	}
	go sv.accept(end)
	err = <-sv.end
	switch {
	case err == errWon:
		return <-won, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		sv.served.Wait() // they have the same limit
		select {
		case b = <-won: // and waited for the rest of a payload until then
			return b, nil
		default:
		}
		if late != nil {
			return b, late
		}
		return b, (&session{receiver: r}).explain(0, batch{}, err)
	}
	return b, err
}

// errWon is how the server of [receiver.first] ends.
var errWon = errors.New("everything has come")

// finish ends the server, if nothing has done so yet.
func (sv *server) finish(err error) {
	select {
	case sv.end <- err:
	default:
	}
}

// accept accepts connections until the listener is closed or its time is over.
func (sv *server) accept(end time.Time) {
	if err := sv.listener.SetDeadline(end); err != nil {
		sv.finish(err)
		return
	}
	limit := sessionLimit()
	for full := false; ; {
		conn, err := sv.listener.AcceptUnix()
		switch {
		case err == nil:
			full = false
			sv.makeRoom(limit - 1)
			sv.start(conn)
		case isFull(err):
			if !full {
				printError(err)
			}
			full = true
			sv.makeRoom(0)
			time.Sleep(20 * time.Millisecond)
		default:
			sv.finish(err)
			return
		}
	}
}

// isFull reports whether there is no room for a connection for now.
func isFull(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// start serves a connection in a goroutine of its own. To close it may take long,
// if there are descriptors in its queue.
func (sv *server) start(conn *net.UnixConn) {
	s, err := sv.newSession(conn, true)
	if err != nil {
		printError(err)
		go conn.Close()
		return
	}
	s.active = func() { sv.last(s) }
	sv.last(s)
	sv.served.Add(1)
	go func() {
		defer sv.served.Done()
		defer conn.Close()
		defer s.in.Close()
		defer sv.remove(s)
		if err := sv.serve(s); err != nil {
			sv.finish(err)
		}
	}()
}

// last puts a session after all others.
func (sv *server) last(s *session) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	sv.open = append(slices.DeleteFunc(sv.open, func(o *session) bool { return o == s }), s)
}

func (sv *server) remove(s *session) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	sv.open = slices.DeleteFunc(sv.open, func(o *session) bool { return o == s })
}

// makeRoom ends the session that has waited for the longest time, if there are
// more than some. If all are busy it waits until that changes.
func (sv *server) makeRoom(some int) {
	for ; ; time.Sleep(10 * time.Millisecond) {
		sv.mu.Lock()
		full := len(sv.open) > some
		yielded := full && slices.ContainsFunc(sv.open, (*session).yield)
		sv.mu.Unlock()
		if !full || yielded {
			return
		}
	}
}
