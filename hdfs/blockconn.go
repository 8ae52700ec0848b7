package shortcircuit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// blockConn is a connection to a DataNode that has not been made yet. It depends on
// what the client writes first: a request to read a block is answered here, and
// everything else passes through to TCP.
type blockConn struct {
	d             *Dialer
	node          *node
	network, addr string
	remote        net.Addr
	ctx           context.Context // done after Close
	cancel        context.CancelFunc

	mu      sync.Mutex // held while it is decided
	written []byte     // until it is decided
	answer  *answer
	reading sync.Mutex // held while the answer is read

	state       sync.Mutex // of what follows, held for a moment only
	tcp         net.Conn
	through     bool
	closed      bool
	readBefore  time.Time
	writeBefore time.Time
}

// Write passes p on, or keeps it until the request is complete.
func (c *blockConn) Write(p []byte) (int, error) {
	if tcp, err := c.passing(); tcp != nil || err != nil {
		return write(tcp, p, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if tcp, err := c.passing(); tcp != nil || err != nil {
		return write(tcp, p, err)
	}
	if c.answer != nil {
		return len(p), nil // what the client thinks of the checksums
	}
	req, kind := recognize(append(c.written, p...))
	switch kind {
	case isReadBlock:
		c.answer = &answer{req: req, via: c, counts: c.d.stats}
	case undecided:
		c.written = append(c.written, p...)
	case isOther:
		if err := c.passThrough(); err != nil {
			return 0, err
		}
		return c.tcp.Write(p)
	}
	return len(p), nil
}

func write(tcp net.Conn, p []byte, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return tcp.Write(p)
}

// Read returns what the DataNode has sent, or the answer.
func (c *blockConn) Read(p []byte) (int, error) {
	tcp, err := c.passing()
	if tcp == nil && err == nil {
		c.mu.Lock()
		if tcp, err = c.passing(); tcp == nil && err == nil && c.answer == nil {
			// The client waits for an answer to something incomplete.
			if err = c.passThrough(); err == nil {
				tcp = c.tcp
			}
		}
		c.mu.Unlock()
	}
	if err != nil {
		return 0, err
	}
	if tcp != nil {
		return tcp.Read(p)
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	if err := c.readable(); err != nil {
		return 0, err
	}
	return c.answer.Read(p)
}

// readable returns the error of a Read that must not begin.
func (c *blockConn) readable() error {
	c.state.Lock()
	defer c.state.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if !c.readBefore.IsZero() && !time.Now().Before(c.readBefore) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// passing returns the connection that everything passes through, or nil.
func (c *blockConn) passing() (net.Conn, error) {
	c.state.Lock()
	defer c.state.Unlock()
	switch {
	case c.closed:
		return nil, net.ErrClosed
	case c.through:
		return c.tcp, nil
	}
	return nil, nil
}

// passThrough connects, and sends what was kept.
func (c *blockConn) passThrough() error {
	tcp, err := c.dialTCP()
	if err != nil {
		return err
	}
	c.d.stats.passed.Add(1)
	if len(c.written) > 0 {
		if _, err := tcp.Write(c.written); err != nil {
			return err
		}
		c.written = nil
	}
	c.state.Lock()
	c.through = true
	c.state.Unlock()
	return nil
}

// dialTCP connects to the DataNode by TCP, with the deadlines that were set.
func (c *blockConn) dialTCP() (net.Conn, error) {
	c.state.Lock()
	deadline := earlier(c.readBefore, c.writeBefore) // a request is written, too
	c.state.Unlock()
	ctx, cancel := withDeadline(c.ctx, deadline)
	defer cancel()
	tcp, err := c.d.dial(ctx, c.network, c.addr)
	switch {
	case err == nil:
	case c.ctx.Err() != nil:
		return nil, net.ErrClosed
	case ctx.Err() != nil || !deadline.IsZero() && !time.Now().Before(deadline):
		return nil, fmt.Errorf("%w: %w", os.ErrDeadlineExceeded, err)
	default:
		return nil, err
	}
	c.state.Lock()
	defer c.state.Unlock()
	if c.closed {
		tcp.Close()
		return nil, net.ErrClosed
	}
	if c.tcp != nil {
		c.tcp.Close()
	}
	c.tcp = tcp
	tcp.SetReadDeadline(c.readBefore)
	tcp.SetWriteDeadline(c.writeBefore)
	return tcp, nil
}

// earlier returns the first of two deadlines, of which there may be none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// open returns a replica of the block, unless the socket is being left alone.
func (c *blockConn) open(req *readBlock) (*Replica, error) {
	c.state.Lock()
	deadline := c.readBefore
	c.state.Unlock()
	ctx, cancel := withDeadline(c.ctx, deadline)
	defer cancel()
	r, err := c.node.open(ctx, req)
	switch {
	case err == nil:
		return r, nil
	case c.ctx.Err() != nil:
		return nil, net.ErrClosed
	case ctx.Err() != nil || !deadline.IsZero() && !time.Now().Before(deadline):
		return nil, os.ErrDeadlineExceeded
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed):
		return nil, &localError{err} // the socket's, not this connection's
	}
	return nil, err
}

// Close closes the connection, ends a Read and a Write that wait, and gives the
// replica back.
func (c *blockConn) Close() error {
	c.state.Lock()
	if c.closed {
		c.state.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	tcp := c.tcp
	c.state.Unlock()
	c.cancel()
	var err error
	if tcp != nil {
		err = tcp.Close()
	}
	c.mu.Lock()
	a := c.answer
	c.mu.Unlock()
	if a != nil {
		c.reading.Lock()
		a.close()
		c.reading.Unlock()
	}
	return err
}

// LocalAddr returns the TCP connection's address, if there is one.
func (c *blockConn) LocalAddr() net.Addr {
	c.state.Lock()
	defer c.state.Unlock()
	if c.tcp != nil {
		return c.tcp.LocalAddr()
	}
	return &net.UnixAddr{Net: "unix"}
}

// RemoteAddr returns the DataNode's TCP address.
func (c *blockConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines. A change has no effect on a request on the
// Unix socket that is already waiting for its answer.
func (c *blockConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline is described at SetDeadline.
func (c *blockConn) SetReadDeadline(t time.Time) error {
	c.state.Lock()
	defer c.state.Unlock()
	c.readBefore = t
	if c.tcp != nil {
		return c.tcp.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline is described at SetDeadline.
func (c *blockConn) SetWriteDeadline(t time.Time) error {
	c.state.Lock()
	defer c.state.Unlock()
	c.writeBefore = t
	if c.tcp != nil {
		return c.tcp.SetWriteDeadline(t)
	}
	return nil
}

var _ net.Conn = (*blockConn)(nil)
