package shortcircuit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"example.com/fdpass"
)

// conn is a connection to a DataNode's socket, for one request at a time.
type conn struct {
	stream *fdpass.Stream
	r      *bufio.Reader // of the stream

	kept   bool      // it has been used before
	since  time.Time // when it was last used
	unsure bool      // its deadlines may still change

	// refused, if not nil, says what becomes of the slot of a request that was refused:
	// see Client.unused. It is called once, when the DataNode has answered another
	// request or when the connection is closed before.
	refused func(answered bool)
}

// dial connects to a DataNode's socket.
func dial(ctx context.Context, socket string) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("shortcircuit: %w", err)
	}
	stream, err := fdpass.NewStream(c.(*net.UnixConn), fdpass.StreamOptions{MaxFDs: 2})
	if err != nil {
		c.Close()
		return nil, err
	}
	return &conn{stream: stream, r: bufio.NewReader(stream)}, nil
}

func (c *conn) close() {
	c.stream.Close()
	c.settle(false)
}

func (c *conn) settle(answered bool) {
	if f := c.refused; f != nil {
		c.refused = nil
		f(answered)
	}
}

var longAgo = time.Unix(1, 0)

// within calls f. Reads and writes of f end when ctx is done, and the error is its
// cause. At the deadline of ctx, they may notice it before ctx does.
func (c *conn) within(ctx context.Context, f func() error) error {
	deadline, _ := ctx.Deadline()
	c.setDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { c.setDeadline(longAgo) })
	err := f()
	if !stop() {
		c.unsure = true
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}

func (c *conn) setDeadline(t time.Time) {
	c.stream.SetReadDeadline(t)
	c.stream.SetWriteDeadline(t)
}

// usable reports whether the connection takes another request after err.
func (c *conn) usable(err error) bool {
	var reply *ReplyError
	switch {
	case c.unsure || c.r.Buffered() > 0:
		return false
	case err == nil:
		return true
	case errors.As(err, &reply): // after these the DataNode closes it
		return reply.Status != StatusErrorAccessToken && reply.Status != StatusErrorUnsupported
	}
	return false
}

// gone reports whether err says that the other end has closed the connection
// without an answer.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// keepFor is how long a connection is kept for the next request. A DataNode
// closes it after 4 s (dfs.datanode.socket.reuse.keepalive).
const keepFor = 3 * time.Second

// pool keeps the connections to one socket that nobody uses at the moment.
type pool struct {
	socket string
	stats  *counters

	mu     sync.Mutex
	idle   []*conn // the one used last is last
	closed bool
}

// get returns a kept connection or a new one.
func (p *pool) get(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, net.ErrClosed
	}
	if n := len(p.idle); n > 0 && time.Since(p.idle[n-1].since) < keepFor {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		c.kept = true
		p.stats.reused.Add(1)
		return c, nil
	}
	p.mu.Unlock()
	p.stats.dialled.Add(1)
	return dial(ctx, p.socket)
}

// put takes a connection back, after a request that ended with err.
func (p *pool) put(c *conn, err error) {
	c.since = time.Now()
	p.mu.Lock()
	if !p.closed && c.usable(err) {
		p.idle = append(p.idle, c)
		c = nil
	}
	p.mu.Unlock()
	if c != nil {
		c.close()
	}
}

// sweep closes the connections that were not used for too long, or all of them.
// It reports whether the pool still has some.
func (p *pool) sweep(all bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(c *conn) bool {
		old := all || time.Since(c.since) >= keepFor
		if old {
			c.close()
		}
		return old
	})
	return len(p.idle) > 0
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.sweep(true)
}

// do makes a request on a kept connection or on a new one. A kept connection may
// have been closed at the other end: then another one is tried.
func (p *pool) do(ctx context.Context, request func(*conn) error) error {
	for {
		c, err := p.get(ctx)
		if err != nil {
			return err
		}
		err = c.within(ctx, func() error { return request(c) })
		again := err != nil && c.kept && gone(err) && ctx.Err() == nil
		p.put(c, err)
		if !again {
			return err
		}
	}
}
