package shortcircuit

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A segment is a file in memory that the DataNode and this process share. It has
// slots of 64 bytes. The first word of a slot is flags in the machine's byte
// order, and bit 63 says that the replica is valid (ShortCircuitShm.Slot in
// Hadoop). This process sets it before it asks for a block, and the DataNode
// clears it when it deletes the block.
//
// This process reads and writes only the byte of the file that has the flag. It maps
// no memory, and cannot read a word in two parts, so it needs neither package unsafe
// nor atomic operations.
const (
	slotSize    = 64
	segmentSize = 8192
	validFlag   = 0x80
)

// validByte is the byte of a slot that has bit 63.
var validByte = func() int64 {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return 7
	}
	return 0
}()

// segment owns its file and its connection. The DataNode frees the segment when
// the connection closes, and the connection closes when the DataNode ends.
type segment struct {
	hi, lo uint64
	file   *os.File
	conn   *conn
	dead   atomic.Bool

	used [segmentSize / slotSize]bool // by the owner's lock
	live int                          // how many slots have a replica
	lost int                          // how many are never used again
}

// slot is one slot of a segment, and the right to release it.
type slot struct {
	seg   *segment
	index int
}

// message returns a ShortCircuitShmSlotProto.
func (s *slot) message() []byte {
	id := appendUint(appendUint(nil, 1, s.seg.hi), 2, s.seg.lo)
	return appendUint(appendBytes(nil, 1, id), 2, uint64(s.index))
}

func (s *slot) at() int64 { return int64(s.index)*slotSize + validByte }

// valid reports whether the DataNode has the block.
func (s *slot) valid() bool {
	var b [1]byte
	_, err := s.seg.file.ReadAt(b[:], s.at())
	return err == nil && !s.seg.dead.Load() && b[0]&validFlag != 0
}

// setValid clears the slot and sets the flag. The DataNode does not know the slot
// yet.
func (s *slot) setValid() error {
	var b [slotSize]byte
	b[validByte] = validFlag
	_, err := s.seg.file.WriteAt(b[:], int64(s.index)*slotSize)
	return err
}

// segments are those of one DataNode.
type segments struct {
	pool   *pool
	client string // the name that the DataNode logs
	stats  *counters

	making chan struct{} // held by the one who asks for another segment

	mu     sync.Mutex
	all    []*segment
	off    time.Time // the DataNode has refused; no segment is asked for until then
	closed bool
	watch  sync.WaitGroup
}

func newSegments(p *pool, client string, stats *counters) *segments {
	return &segments{pool: p, client: client, stats: stats, making: make(chan struct{}, 1)}
}

// errNoShm says that the DataNode does not share memory: replicas have no slot.
var errNoShm = errors.New("shortcircuit: no shared memory")

// refusedFor is how long a DataNode is not asked again for shared memory.
const refusedFor = time.Minute

// alloc returns a slot whose flag is set, of a segment that it makes if it has
// to.
func (m *segments) alloc(ctx context.Context) (*slot, error) {
	s, err := m.take()
	if s == nil && err == nil {
		s, err = m.grow(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := s.setValid(); err != nil {
		m.lose(s)
		return nil, err
	}
	return s, nil
}

// grow returns a slot of a new segment, or of one that somebody else has made
// meanwhile.
func (m *segments) grow(ctx context.Context) (*slot, error) {
	select {
	case m.making <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-m.making }()
	if s, err := m.take(); s != nil || err != nil {
		return s, err
	}
	seg, err := m.request(ctx)
	if err != nil {
		return nil, err
	}
	if s := m.add(seg); s != nil {
		return s, nil
	}
	return nil, errNoShm
}

// take finds a free slot. Without one and without an error, a segment is to be
// asked for.
func (m *segments) take() (*slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, seg := range m.all {
		if seg.dead.Load() {
			continue
		}
		for i, used := range seg.used {
			if !used {
				seg.used[i] = true
				seg.live++
				return &slot{seg, i}, nil
			}
		}
	}
	if m.closed || time.Now().Before(m.off) {
		return nil, errNoShm
	}
	return nil, nil
}

// request asks the DataNode for a segment. The connection is one of its own.
func (m *segments) request(ctx context.Context) (*segment, error) {
	c, err := dial(ctx, m.pool.socket)
	if err != nil {
		return nil, err
	}
	seg := &segment{conn: c}
	err = c.within(ctx, func() error {
		answer, err := c.call(opRequestShm, appendBytes(nil, 1, m.client))
		if err != nil {
			return err
		}
		if seg.hi, seg.lo, err = parseShm(answer); err != nil {
			return err
		}
		_, files, err := c.receiveFiles(1, "segment")
		if err == nil {
			seg.file = files[0]
		}
		return err
	})
	if err == nil && c.unsure {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = seg.check()
	}
	if err != nil {
		seg.close()
		var reply *ReplyError
		if errors.As(err, &reply) {
			m.mu.Lock()
			m.off = time.Now().Add(refusedFor)
			m.mu.Unlock()
			return nil, errNoShm
		}
		return nil, err
	}
	c.setDeadline(time.Time{})
	return seg, nil
}

// parseShm returns the identity in a ShortCircuitShmResponseProto.
func parseShm(answer []byte) (hi, lo uint64, err error) {
	for f, err := range fields(answer) {
		if err != nil {
			return 0, 0, err
		}
		if f.num != 3 {
			continue
		}
		for id, err := range fields(f.bytes) {
			switch {
			case err != nil:
				return 0, 0, err
			case id.num == 1:
				hi = id.n
			case id.num == 2:
				lo = id.n
			}
		}
		return hi, lo, nil
	}
	return 0, 0, errProtocol("a segment without identity")
}

// check compares the file with what is known about segments.
func (s *segment) check() error {
	info, err := s.file.Stat()
	if err == nil && info.Size() != segmentSize {
		err = errProtocol("a segment of %d bytes", info.Size())
	}
	return err
}

func (s *segment) close() {
	s.dead.Store(true)
	s.conn.close()
	if s.file != nil {
		s.file.Close()
	}
}

// add adds a new segment and returns a slot of it, or nil after close.
func (m *segments) add(seg *segment) *slot {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		seg.close()
		return nil
	}
	m.stats.segments.Add(1)
	m.all = append(m.all, seg)
	m.watch.Go(func() { // the DataNode never sends anything: this is the end
		seg.conn.r.ReadByte()
		if !seg.dead.Load() { // not by this client
			m.pool.sweep(true) // they have ended too
		}
		m.mu.Lock()
		m.remove(seg)
		m.mu.Unlock()
	})
	seg.used[0] = true
	seg.live++
	return &slot{seg, 0}
}

// remove closes a segment. The lock is held.
func (m *segments) remove(seg *segment) {
	for i := range m.all {
		if m.all[i] == seg {
			m.all = append(m.all[:i], m.all[i+1:]...)
			break
		}
	}
	seg.close()
}

// free frees a slot that the DataNode does not use.
func (m *segments) free(s *slot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.seg.used[s.index] = false
	s.seg.live--
	if s.seg.live == 0 && (s.seg.lost > 0 || len(m.all) > 1) {
		m.remove(s.seg)
	}
}

// lose gives up a slot, if nobody knows whether the DataNode uses it.
func (m *segments) lose(s *slot) {
	if s.seg.dead.Load() {
		return // the DataNode has freed it
	}
	m.stats.slotsLost.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	s.seg.live--
	s.seg.lost++
	if s.seg.live == 0 {
		m.remove(s.seg)
	}
}

// release asks the DataNode to free a slot, once.
func (m *segments) release(ctx context.Context, s *slot) {
	if s.seg.dead.Load() {
		return // the DataNode has freed it
	}
	request := appendBytes(nil, 1, s.message())
	err := m.pool.do(ctx, func(c *conn) error {
		_, err := c.call(opRelease, request)
		return err
	})
	switch {
	case err == nil || errors.Is(err, StatusErrorInvalid):
		m.stats.slotsFreed.Add(1)
		m.free(s)
	default:
		m.lose(s)
	}
}

// close closes all segments, which frees their slots.
func (m *segments) close() {
	m.mu.Lock()
	m.closed = true
	for _, seg := range m.all {
		seg.close()
	}
	m.all = nil
	m.mu.Unlock()
	m.watch.Wait()
}
