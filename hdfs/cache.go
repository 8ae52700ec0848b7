package shortcircuit

import (
	"container/list"
	"sync"
	"time"
)

// cache keeps replicas, the one used last at the front. It holds one reference to
// each, and every user holds another one. Whoever gives back the last reference closes
// the replica.
type cache struct {
	limit int
	idle  time.Duration
	stats *counters
	drop  func(*replica) // closes a replica

	mu      sync.Mutex
	entries map[Block]*list.Element // of *entry
	order   *list.List
	closed  bool
}

type entry struct {
	*replica
	refs int
	used time.Time
}

func newCache(limit int, idle time.Duration, stats *counters, drop func(*replica)) *cache {
	return &cache{limit: limit, idle: idle, stats: stats, drop: drop,
		entries: map[Block]*list.Element{}, order: list.New()}
}

// get returns a kept replica, or nil. The DataNode is asked whether it still has
// the block: by a look at the slot.
func (c *cache) get(b Block) *Replica {
	c.mu.Lock()
	el := c.entries[b]
	if el == nil {
		c.mu.Unlock()
		c.stats.misses.Add(1)
		return nil
	}
	e := el.Value.(*entry)
	if !e.valid() {
		gone := c.remove(el)
		c.mu.Unlock()
		c.stats.invalidated.Add(1)
		c.stats.misses.Add(1)
		c.dropAll(gone)
		return nil
	}
	e.refs++
	e.used = time.Now()
	c.order.MoveToFront(el)
	c.mu.Unlock()
	c.stats.hits.Add(1)
	return c.handle(e)
}

// add adds a replica and returns a reference to it, or to the one that somebody else
// has added meanwhile.
func (c *cache) add(r *replica) *Replica {
	var gone []*replica
	c.mu.Lock()
	e := &entry{replica: r, refs: 1, used: time.Now()}
	if el := c.entries[r.block]; el != nil {
		if old := el.Value.(*entry); old.valid() {
			gone = append(gone, r)
			e = old
			e.refs++
		} else {
			gone = append(gone, c.remove(el)...)
		}
	}
	if e.replica == r && !c.closed && c.limit > 0 {
		for c.order.Len() >= c.limit {
			c.stats.evicted.Add(1)
			gone = append(gone, c.remove(c.order.Back())...)
		}
		e.refs++
		c.entries[r.block] = c.order.PushFront(e)
	}
	c.mu.Unlock()
	c.dropAll(gone)
	return c.handle(e)
}

func (c *cache) handle(e *entry) *Replica {
	return newHandle(e.replica, &c.stats.local, func() { c.release(e) })
}

// release takes back a user's reference.
func (c *cache) release(e *entry) {
	c.mu.Lock()
	e.refs--
	e.used = time.Now()
	last := e.refs == 0
	c.mu.Unlock()
	if last {
		c.drop(e.replica)
	}
}

// remove takes the cache's reference from an entry, and returns its replica if
// that was the last one.
func (c *cache) remove(el *list.Element) []*replica {
	e := c.order.Remove(el).(*entry)
	delete(c.entries, e.block)
	if e.refs--; e.refs == 0 {
		return []*replica{e.replica}
	}
	return nil
}

func (c *cache) dropAll(rs []*replica) {
	for _, r := range rs {
		c.drop(r)
	}
}

// sweep removes the replicas whose block is deleted, and those that nobody has used
// for too long. It reports whether the cache still has some.
func (c *cache) sweep() bool {
	var gone []*replica
	c.mu.Lock()
	for el := c.order.Front(); el != nil; {
		next := el.Next()
		e := el.Value.(*entry)
		switch {
		case !e.valid():
			c.stats.invalidated.Add(1)
			gone = append(gone, c.remove(el)...)
		case e.refs == 1 && time.Since(e.used) >= c.idle:
			c.stats.expired.Add(1)
			gone = append(gone, c.remove(el)...)
		}
		el = next
	}
	left := c.order.Len() > 0
	c.mu.Unlock()
	c.dropAll(gone)
	return left
}

// close removes everything. From then on nothing is kept.
func (c *cache) close() {
	var gone []*replica
	c.mu.Lock()
	c.closed = true
	for c.order.Len() > 0 {
		gone = append(gone, c.remove(c.order.Front())...)
	}
	c.mu.Unlock()
	c.dropAll(gone)
}
