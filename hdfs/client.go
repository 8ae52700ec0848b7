// Package shortcircuit reads HDFS blocks through file descriptors. An HDFS client
// on the machine of the DataNode asks it on a Unix socket for a block, receives
// descriptors of the block's file and of its checksums, and reads the files itself.
// In Hadoop this is called short-circuit local reads
// (dfs.client.read.shortcircuit).
//
// A program that uses github.com/colinmarc/hdfs/v2 changes one line; see
// [Dialer]. A program that has a block and its token uses a [Client], or [Open]
// for a single block. Nothing is returned that does not have the right checksum.
package shortcircuit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Options are the settings of a [Client]. The zero value has the defaults.
type Options struct {
	// ClientName is the name in the DataNode's log. "" means "fdpass".
	ClientName string
	// Replicas is how many replicas are kept after their last use. Each takes one
	// descriptor, and memory for its checksums: 1 MiB for a block of 128 MiB. 0 means
	// 64, and a negative number means none.
	Replicas int
	// Idle is how long a replica is kept after its last use. 0 means 5 minutes.
	Idle time.Duration
	// Timeout is the limit for each request on the socket. A DataNode does not answer a
	// request for a block of an unknown pool. 0 means 2 seconds.
	Timeout time.Duration
}

func (o Options) withDefaults() Options {
	if o.ClientName == "" {
		o.ClientName = "fdpass"
	}
	if o.Replicas == 0 {
		o.Replicas = 64
	}
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	return o
}

// Client reads blocks of one DataNode. It keeps connections and replicas. A replica
// is closed within seconds after the DataNode has deleted the block. The methods of a
// Client may be used by several goroutines at the same time.
//
// The cache does not look at tokens: if one part of the program has opened a block,
// another part that names the block gets it, too.
type Client struct {
	opts  Options
	stats *counters
	pool  *pool
	cache *cache
	shm   *segments

	closing context.Context // done when Close begins
	cancel  context.CancelFunc

	mu      sync.Mutex
	timer   *time.Timer // of the next sweep, or nil
	closed  bool
	pending sync.WaitGroup // releases of slots, and the next sweep
}

// NewClient makes a client of the DataNode that listens on a socket, the one of
// dfs.domain.socket.path. It does not connect yet. The caller closes the client.
func NewClient(socket string, opts Options) *Client {
	return newClient(socket, opts, &counters{})
}

func newClient(socket string, opts Options, stats *counters) *Client {
	c := &Client{opts: opts.withDefaults(), stats: stats}
	c.pool = &pool{socket: socket, stats: stats}
	c.cache = newCache(c.opts.Replicas, c.opts.Idle, stats, c.drop)
	c.shm = newSegments(c.pool, c.opts.ClientName, stats)
	c.closing, c.cancel = context.WithCancel(context.Background())
	return c
}

// Stats returns what was counted so far. What only a [Dialer] counts is 0.
func (c *Client) Stats() Stats { return c.stats.stats() }

// Open returns a replica of a block, a kept one or a new one. The caller closes
// it. Errors are [ReplyError], [ErrLength], [ErrMeta], [ErrProtocol], ctx's, and
// those of the system. [net.ErrClosed] says that the client is closed.
func (c *Client) Open(ctx context.Context, block Block, token Token) (*Replica, error) {
	return c.open(ctx, c.opts.Timeout, block, token)
}

// open is Open with a limit on the time that the request takes.
func (c *Client) open(ctx context.Context, limit time.Duration, block Block, token Token) (*Replica, error) {
	if r := c.cache.get(block); r != nil {
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer c.sweepLater()
	r, err := c.request(ctx, block, token)
	if err != nil {
		return nil, err
	}
	return c.cache.add(r), nil
}

// request asks the DataNode for a block, with a slot if the replica is kept.
func (c *Client) request(ctx context.Context, block Block, token Token) (r *replica, err error) {
	err = c.pool.do(ctx, func(k *conn) error {
		var s *slot
		if c.opts.Replicas > 0 {
			if s, err = c.shm.alloc(ctx); err != nil && !errors.Is(err, errNoShm) {
				return fmt.Errorf("a segment: %w", err)
			}
		}
		data, meta, err := k.requestFDs(block, token, s)
		if err != nil {
			c.unused(k, s, err)
			return err
		}
		defer meta.Close()
		if r, err = newReplica(block, data, meta); err != nil {
			data.Close()
			c.releaseLater(s)
			return err
		}
		r.slot = s
		return nil
	})
	return r, err
}

// unused is for the slot of a request that has failed. A DataNode that refuses one
// clears its slot only after it has answered, but before it answers another request on
// the connection. Of a wrong token it has not come to the slot.
func (c *Client) unused(k *conn, s *slot, err error) {
	var reply *ReplyError
	switch {
	case s == nil:
	case !errors.As(err, &reply):
		c.shm.lose(s)
	case reply.Status == StatusErrorAccessToken:
		c.shm.free(s)
	default:
		k.refused = func(answered bool) {
			if answered {
				c.shm.free(s)
			} else {
				c.shm.lose(s)
			}
		}
	}
}

// drop closes a replica that nobody uses any more.
func (c *Client) drop(r *replica) {
	r.data.Close()
	c.releaseLater(r.slot)
}

// releaseLater releases a slot without making anybody wait for the DataNode.
func (c *Client) releaseLater(s *slot) {
	if s == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return // Close frees the whole segment
	}
	c.pending.Go(func() {
		ctx, cancel := context.WithTimeout(c.closing, c.opts.Timeout)
		defer cancel()
		c.shm.release(ctx, s)
		c.sweepLater() // it has left a connection
	})
}

// sweepEvery is how often a Client looks for deleted blocks, unused replicas and old
// connections, as long as it keeps any.
const sweepEvery = time.Second

// sweepLater makes sure that there will be a sweep.
func (c *Client) sweepLater() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil && !c.closed {
		c.pending.Add(1)
		c.timer = time.AfterFunc(sweepEvery, c.sweep)
	}
}

func (c *Client) sweep() {
	defer c.pending.Done()
	c.mu.Lock()
	c.timer = nil
	c.mu.Unlock()
	replicas := c.cache.sweep()
	if c.pool.sweep(false) || replicas {
		c.sweepLater()
	}
}

// Close closes the connections and gives back all replicas that are kept. Replicas
// that the program has open can be read until they are closed. An Open in another
// goroutine continues. Close may be called again.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	if c.timer != nil && c.timer.Stop() {
		c.pending.Done()
	}
	c.timer = nil
	c.mu.Unlock()
	c.shm.close() // before a release that is cancelled would give its slot up
	c.cancel()
	c.pool.close()
	c.cache.close()
	c.pending.Wait()
	return nil
}

// Open returns a replica of a block of the DataNode that listens on a socket. It uses
// a connection of its own, which is closed when Open returns. The caller closes the
// replica, which has one descriptor. Without a deadline in ctx the request takes at most
// two seconds. Errors are those of [Client.Open].
func Open(ctx context.Context, socket string, block Block, token Token) (*Replica, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, Options{}.withDefaults().Timeout)
		defer cancel()
	}
	k, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	defer k.close()
	var data, meta *os.File
	err = k.within(ctx, func() error {
		data, meta, err = k.requestFDs(block, token, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer meta.Close()
	r, err := newReplica(block, data, meta)
	if err != nil {
		data.Close()
		return nil, err
	}
	return newHandle(r, nil, func() { data.Close() }), nil
}
