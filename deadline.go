package fdpass

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A context ends a wait by means of the connection's deadline. That belongs to
// the connection, and not to the Receiver or Sender that waits, so everything of
// this package on one connection shares what is known about it.

// direction says which of a connection's two deadlines is meant.
type direction int

const (
	reading direction = iota
	writing
)

// deadliner is a connection with deadlines.
type deadliner interface {
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// connection is what the Receivers, Senders and Streams on one connection share.
type connection struct {
	conn      deadliner
	users     int // under the lock of connections
	deadlines [2]deadline
	part      atomic.Pointer[part] // see turn.go
}

// connections holds the connections that have users.
var connections struct {
	sync.Mutex
	of map[syscall.Conn]*connection
}

// lease is what each user of a connection holds. It ends when the garbage collector
// finds that the user is gone, so that nobody has to close a Receiver for this.
type lease struct {
	*connection
	key syscall.Conn
}

// share makes e a user of its connection, if that has deadlines.
func (e *endpoint) share() {
	conn, ok := e.conn.(deadliner)
	if !ok || !reflect.ValueOf(e.conn).Comparable() {
		return
	}
	connections.Lock()
	defer connections.Unlock()
	c := connections.of[e.conn]
	if c == nil {
		c = &connection{conn: conn}
		if connections.of == nil {
			connections.of = make(map[syscall.Conn]*connection)
		}
		connections.of[e.conn] = c
	}
	c.users++
	e.shared = &lease{c, e.conn}
	runtime.SetFinalizer(e.shared, (*lease).end)
}

// connection returns what the users of the connection share, or nil if it has none. A
// function that makes one call, such as [Recv], is not a user itself.
func (e *endpoint) connection() *connection {
	if e.shared != nil {
		return e.shared.connection
	}
	if !reflect.ValueOf(e.conn).Comparable() {
		return nil
	}
	connections.Lock()
	defer connections.Unlock()
	return connections.of[e.conn]
}

// end forgets the connection with its last user.
func (l *lease) end() {
	connections.Lock()
	defer connections.Unlock()
	if l.users--; l.users == 0 {
		delete(connections.of, l.key)
	}
}

// set sets one of the connection's deadlines.
func (c *connection) set(dir direction, t time.Time) error {
	if dir == writing {
		return c.conn.SetWriteDeadline(t)
	}
	return c.conn.SetReadDeadline(t)
}

// deadline holds the deadline that the caller set through a Receiver, Sender or
// Stream. It is kept here because Go has no way to ask a connection for it.
type deadline struct {
	mu         sync.Mutex
	t          time.Time
	interrupts int           // contexts that are ending a wait right now
	last       uint64        // what restores was after the last restore here
	restored   chan struct{} // closed when interrupts is 0 again
}

// restores counts on how many occasions restore has put back a caller's deadline,
// on all connections together. A wait notes it before it begins. With a count for
// each connection, the note would be at the end of two pointers, and with 10,000
// connections these are not in the processor's cache: 3 % of the time of a message.
var restores atomic.Uint64

// past is a deadline that ends every wait at once.
var past = time.Unix(1, 0)

// interrupt ends all waits in one direction. Each call is followed by one of
// restore.
func (c *connection) interrupt(dir direction) {
	d := &c.deadlines[dir]
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.interrupts == 0 {
		d.restored = make(chan struct{})
	}
	d.interrupts++
	c.set(dir, past)
}

// restore sets the deadline of the caller, once no context needs the past one
// any longer. It counts that last, so that a wait which begins after the count
// does not meet the past deadline.
func (c *connection) restore(dir direction) {
	d := &c.deadlines[dir]
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.interrupts--; d.interrupts == 0 {
		c.set(dir, d.t)
		d.last = restores.Add(1)
		close(d.restored)
	}
}

// resumes reports whether a wait that ended at a deadline has to begin again,
// because the context of another call ended it. It waits until that call has put
// back the caller's deadline. before is what restores was before the wait, and
// ctx is the context of the waiting call, or nil. A connection whose last user has
// gone has its deadline back: if that has passed, the next wait ends at once.
func (c *connection) resumes(ctx context.Context, dir direction, before uint64) bool {
	if c == nil {
		return restores.Load() != before
	}
	d := &c.deadlines[dir]
	d.mu.Lock()
	interrupts, last, t, restored := d.interrupts, d.last, d.t, d.restored
	d.mu.Unlock()
	if interrupts == 0 && last <= before || !t.IsZero() && !time.Now().Before(t) {
		return false
	}
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	if interrupts > 0 {
		select {
		case <-restored:
		case <-done:
		}
	}
	return ctx == nil || ctx.Err() == nil
}

// setDeadline sets one of the connection's deadlines in such a way that contexts
// keep it. While a context is ending a wait, it is only remembered.
func (e *endpoint) setDeadline(dir direction, t time.Time) error {
	if e.shared == nil {
		return fmt.Errorf("fdpass: %w", os.ErrNoDeadline)
	}
	d := &e.shared.deadlines[dir]
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.interrupts == 0 {
		if err := e.shared.set(dir, t); err != nil {
			return fmt.Errorf("fdpass: %w", err)
		}
	}
	d.t = t
	return nil
}

// within calls f, which waits on the connection, and ends the wait when ctx is
// done. The error is that of ctx only if f failed because its wait was ended. If f
// has succeeded by then, its result stands.
func (e *endpoint) within(ctx context.Context, dir direction, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("fdpass: %w", err)
	}
	if ctx.Done() == nil {
		return f()
	}
	if err := e.checkDeadlines(dir); err != nil {
		return err
	}
	e.ctx = ctx
	defer func() { e.ctx = nil }()
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		e.shared.interrupt(dir)
		close(interrupted)
	})
	err := f()
	if !stop() {
		<-interrupted // so that it does not come after restore
		e.shared.restore(dir)
	}
	// With the same context, somebody else may have ended this wait.
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return fmt.Errorf("fdpass: %w", ctx.Err())
	}
	return err
}

// checkDeadlines reports [errors.ErrUnsupported] for a connection whose waits no
// deadline ends. A blocking [*os.File] is one, although it has the methods: only
// setting a deadline shows it.
func (e *endpoint) checkDeadlines(dir direction) error {
	err := os.ErrNoDeadline
	if e.shared != nil {
		err = nil
		if _, ok := e.conn.(*os.File); ok {
			d := &e.shared.deadlines[dir]
			d.mu.Lock()
			if d.interrupts == 0 {
				err = e.shared.set(dir, d.t)
			}
			d.mu.Unlock()
		}
	}
	if errors.Is(err, os.ErrNoDeadline) {
		err = errors.ErrUnsupported
		return fmt.Errorf("fdpass: context on a connection without deadlines: %w", err)
	}
	return nil
}
