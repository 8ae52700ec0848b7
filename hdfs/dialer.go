package shortcircuit

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"
)

// Dialer gives short-circuit reads to a program that reads HDFS by TCP. Its
// DialContext is a DatanodeDialFunc of github.com/colinmarc/hdfs/v2:
//
//	dialer := shortcircuit.NewDialer("/run/hdfs/dn._PORT", shortcircuit.DialerOptions{})
//	defer dialer.Close()
//	client, err := hdfs.NewClient(hdfs.ClientOptions{
//		Addresses:        []string{"namenode:8020"},
//		DatanodeDialFunc: dialer.DialContext,
//	})
//
// A request to read a block of a DataNode on this machine is answered from the
// block's file. Everything else passes through to TCP. If the file cannot be opened
// or read, the answer continues by TCP, from the byte that was reached, and the reader
// does not notice; [Dialer.Stats] says how often and why. Both ways verify the
// checksums, so that even a reader that does not verify gets no wrong byte.
type Dialer struct {
	socket string
	opts   DialerOptions
	stats  *counters
	hosts  hosts

	mu     sync.Mutex
	nodes  map[string]*node // by socket
	closed bool
}

// DialerOptions are the settings of a [Dialer]. The zero value has the defaults.
type DialerOptions struct {
	Options // for each DataNode on this machine
	// Dial connects by TCP. nil means the DialContext of a [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// LeaveAlone is how long a socket that did not answer is not asked again. 0
	// means 10 seconds.
	LeaveAlone time.Duration
}

// NewDialer makes a Dialer. The socket is dfs.domain.socket.path in the
// DataNode's settings: in it, "_PORT" stands for the port that the DataNode
// listens on. The caller closes the Dialer.
func NewDialer(socket string, opts DialerOptions) *Dialer {
	if opts.Dial == nil {
		opts.Dial = new(net.Dialer).DialContext
	}
	if opts.LeaveAlone == 0 {
		opts.LeaveAlone = 10 * time.Second
	}
	return &Dialer{socket: socket, opts: opts, stats: &counters{}, nodes: map[string]*node{}}
}

// DialContext returns a connection to a DataNode. For a DataNode on this machine
// it has not been made yet when DialContext returns: the TCP connection's errors
// are then those of the first Read or Write.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	remote, local := d.hosts.local(ctx, addr)
	if !local {
		d.stats.passed.Add(1)
		return d.dial(ctx, network, addr)
	}
	n, err := d.node(addr)
	if err != nil {
		return nil, err
	}
	c := &blockConn{d: d, node: n, network: network, addr: addr, remote: remote}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return c, nil
}

func (d *Dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.opts.Dial(ctx, network, addr)
}

// node returns the DataNode that has an address.
func (d *Dialer) node(addr string) (*node, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	socket := strings.ReplaceAll(d.socket, "_PORT", port)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, net.ErrClosed
	}
	n := d.nodes[socket]
	if n == nil {
		n = &node{client: newClient(socket, d.opts.Options, d.stats), rest: d.opts.LeaveAlone}
		d.nodes[socket] = n
	}
	return n, nil
}

// Stats returns what was counted so far, for all DataNodes together.
func (d *Dialer) Stats() Stats { return d.stats.stats() }

// Close gives back everything that is kept. Connections that are still open use TCP
// when they need another block. Close may be called again.
func (d *Dialer) Close() error {
	d.mu.Lock()
	d.closed = true
	nodes := d.nodes
	d.nodes = nil
	d.mu.Unlock()
	for _, n := range nodes {
		n.client.Close()
	}
	return nil
}

// node is a DataNode on this machine.
type node struct {
	client *Client
	rest   time.Duration

	mu    sync.Mutex
	alone time.Time // the socket is not asked until then
}

// open returns a replica. If the socket does not answer, it is not asked again for a
// while.
func (n *node) open(ctx context.Context, req *readBlock) (*Replica, error) {
	n.mu.Lock()
	alone := time.Now().Before(n.alone)
	n.mu.Unlock()
	if alone {
		if r := n.client.cache.get(req.block); r != nil {
			return r, nil
		}
		return nil, errLeftAlone
	}
	// Some of the reader's time is left for TCP.
	limit := n.client.opts.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	r, err := n.client.open(ctx, limit, req.block, req.token)
	if err != nil && ctx.Err() == nil && silent(err, limit >= n.client.opts.Timeout/4) {
		n.mu.Lock()
		n.alone = time.Now().Add(n.rest)
		n.mu.Unlock()
	}
	return r, err
}

// silent reports whether err says that the socket cannot be used at the moment: it did
// not answer in time, nobody listens, or the DataNode has no short-circuit reads.
func silent(err error, hadTime bool) bool {
	switch reasonFor(err) {
	case ReasonTimeout:
		return hadTime
	case ReasonSocket:
		return true
	}
	return errors.Is(err, StatusErrorUnsupported)
}

// localError is an error of the Unix socket that the client could take for an error of
// its own connection.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
