package fdpass

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// deadline is the one that the caller set through a Receiver or Sender. It is
// kept because Go has no way to ask a connection for it.
type deadline struct {
	mu  sync.Mutex
	t   time.Time
	off bool // a cancelled context has its own in place
}

// past is a deadline that ends every wait at once.
var past = time.Unix(1, 0)

// set remembers t and sets it, unless a cancelled context is at work, which
// will set it when it has done.
func (d *deadline) set(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.t = t
	if d.off {
		return nil
	}
	return set(t)
}

// interrupt ends the wait that is on, and restore puts back what was set.
func (d *deadline) interrupt(set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	set(past)
}

func (d *deadline) restore(set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = false
	set(d.t)
}

// within runs f, which waits on a connection, until ctx is done. What f has
// achieved by then stands: only where it failed because it was interrupted is
// the error that of the context.
func (d *deadline) within(ctx context.Context, set func(time.Time) error, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("fdpass: %w", err)
	}
	if ctx.Done() == nil {
		return f()
	}
	if set == nil {
		return fmt.Errorf("fdpass: context on a connection without deadlines: %w", errors.ErrUnsupported)
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		d.interrupt(set)
		close(interrupted)
	})
	err := f()
	if stop() {
		return err
	}
	<-interrupted // so that it does not come after the restoring
	d.restore(set)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("fdpass: %w", ctx.Err())
	}
	return err
}

// RecvContext is Recv until ctx is done; then the error is that of ctx, and
// nothing has been taken off the socket. A message that came in the same moment
// is returned. It leaves no goroutine behind.
//
// It needs a connection with SetReadDeadline, which it uses to end the wait, and
// afterwards sets the deadline that was given to [Receiver.SetReadDeadline]. One
// that was set on the connection itself cannot be read in Go, and is gone after
// a cancellation. Somebody else who waits on the same connection at that moment
// may find the deadline over. For an [FD] the error is [errors.ErrUnsupported].
func (r *Receiver) RecvContext(ctx context.Context, p []byte) (m *Message, err error) {
	r.msg.Close() // as Recv does, which is not called if ctx is done already
	err = r.deadline.within(ctx, r.end.setRead(), func() error {
		m, err = r.Recv(p)
		return err
	})
	return m, err
}

// SetReadDeadline sets the connection's read deadline, zero for none, as its own
// method does, and in such a way that [Receiver.RecvContext] keeps it. For an [FD]
// the error matches [os.ErrNoDeadline].
func (r *Receiver) SetReadDeadline(t time.Time) error {
	set := r.end.setRead()
	if set == nil {
		return fmt.Errorf("fdpass: %w", os.ErrNoDeadline)
	}
	return r.deadline.set(t, set)
}

// setRead is the connection's SetReadDeadline, or nil if it has none, or one
// that ends no wait: a blocking [*os.File] has the method all the same.
func (e *endpoint) setRead() func(time.Time) error {
	if c, ok := e.conn.(interface{ SetReadDeadline(time.Time) error }); ok && e.wait != 0 {
		return c.SetReadDeadline
	}
	return nil
}

// setWrite is setRead for writing.
func (e *endpoint) setWrite() func(time.Time) error {
	if c, ok := e.conn.(interface{ SetWriteDeadline(time.Time) error }); ok && e.wait != 0 {
		return c.SetWriteDeadline
	}
	return nil
}
