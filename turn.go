package fdpass

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// On a stream, a message may be sent in parts. Between them, its sender waits in Go's
// poller and keeps the lock that all others wait for. It loses this lock for a moment
// if the context of another call ends its wait; see resume. So it says before such a
// wait that a part has been sent, and the others let it send the rest first.

// unfinished counts the messages of which a part has been sent, on all connections
// together. As long as it is 0, nobody has to look at the connection.
var unfinished atomic.Int32

// part is a message of which a part has been sent.
type part struct {
	of       *endpoint     // that of its sender
	finished chan struct{} // closed when the rest has been sent, or never will be
}

// errNotMyTurn is the result of a try that has sent nothing, since somebody else has to
// send the rest of a message first.
var errNotMyTurn = errors.New("fdpass: not yet")

// hold is called by a try that has sent a part and is about to wait. A function that
// sends one message becomes a user of the connection for that.
func (e *endpoint) hold() {
	if e.shared == nil {
		e.share()
	}
	if e.shared != nil && e.shared.part.Load() == nil {
		unfinished.Add(1)
		e.shared.part.Store(&part{e, make(chan struct{})})
	}
}

// release follows a send. If it had to wait, the others continue.
func (e *endpoint) release() {
	if e.shared == nil {
		return
	}
	if p := e.shared.part.Load(); p != nil && p.of == e {
		e.shared.part.Store(nil)
		unfinished.Add(-1)
		close(p.finished)
	}
}

// heldUp returns the message that somebody else has to finish first, or nil.
func (e *endpoint) heldUp() *part {
	if unfinished.Load() == 0 {
		return nil
	}
	c := e.connection()
	if c == nil {
		return nil
	}
	if p := c.part.Load(); p != nil && p.of != e {
		return p
	}
	return nil
}

// inTurn follows the tries of a send, of which err is the error and *result what the
// last try has noted. It makes them again until it is this sender's turn.
func (e *endpoint) inTurn(flags int, err error, result *error, try func(fd uintptr) bool) error {
	for err == nil && *result == errNotMyTurn {
		if p := e.heldUp(); p != nil {
			if flags&rawmsg.MSG_DONTWAIT != 0 {
				*result = syscall.EAGAIN
				break
			}
			var done <-chan struct{}
			if e.ctx != nil {
				done = e.ctx.Done()
			}
			select {
			case <-p.finished:
			case <-done:
				return fmt.Errorf("fdpass: %w", os.ErrDeadlineExceeded) // within knows whose
			}
		}
		*result = errNotCalled
		err = e.write(try)
	}
	e.release()
	return err
}
