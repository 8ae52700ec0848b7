package shortcircuit

import (
	"errors"
	"testing"
	"time"
)

// until waits for something that happens soon.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: ", what)
		}
	}
}

func (n *fakeNode) inUse() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.slots)
}

func (n *fakeNode) usesSlot(seg, index uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.slots[seg<<16|index]
}

func mustOpen(t testing.TB, c *Client, b Block) *Replica {
	t.Helper()
	r, err := c.Open(soon(t), b, Token{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestIsAReplicaUsedAgain(t *testing.T) {
	n := newFakeNode(t)
	b, _ := n.add(1, 1000, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{})
	for range 3 {
		mustOpen(t, c, b).Close()
	}
	if got := n.count(opRequestFDs); got != 1 {
		t.Errorf("%d requests", got)
	}
	if s := c.Stats(); s.CacheHits != 2 || s.CacheMisses != 1 || s.Segments != 1 || s.Dialled != 1 {
		t.Errorf("%+v", s)
	}
}

func TestIsADeletedBlockLetGoOf(t *testing.T) {
	n := newFakeNode(t)
	b, want := n.add(1, 1000, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{})
	r := mustOpen(t, c, b)
	if !r.Valid() {
		t.Fatal("not valid")
	}
	n.forget(1)
	if r.Valid() {
		t.Fatal("valid after it was deleted")
	}
	p := make([]byte, 1000)
	if _, err := r.ReadAt(p, 0); err != nil || string(p) != string(want) {
		t.Error("an open replica is not readable:", err)
	}
	until(t, "the sweep", func() bool { return c.Stats().Invalidated == 1 })
	r.Close()
	until(t, "the release", func() bool { return n.inUse() == 0 })
	if _, err := c.Open(soon(t), b, Token{}); err == nil {
		t.Error("a deleted block was opened")
	}
}

func TestHowManyReplicasAreKept(t *testing.T) {
	n := newFakeNode(t)
	c := newTestClient(t, n.socket, Options{Replicas: 2})
	var held []*Replica
	for id := range uint64(5) {
		b, _ := n.add(id, 100, 512, checksumCRC32C)
		held = append(held, mustOpen(t, c, b))
	}
	if s := c.Stats(); s.Evicted != 3 {
		t.Errorf("%+v", s)
	}
	for _, r := range held { // those that were evicted are still readable
		if _, err := r.ReadAt(make([]byte, 100), 0); err != nil {
			t.Error(err)
		}
		r.Close()
	}
	// The DataNode has released a slot before the client knows it.
	until(t, "three slots were released", func() bool { return c.Stats().SlotsReleased == 3 })
	twice := 0
	n.set(func() { twice = n.twice })
	if s := c.Stats(); n.inUse() != 2 || s.SlotsLost != 0 || twice != 0 {
		t.Errorf("%+v, %d slots, %d released twice", s, n.inUse(), twice)
	}
}

// The DataNode clears the slot of a request that it refuses after it has answered.
func TestIsTheSlotOfARefusedRequestUsedTooEarly(t *testing.T) {
	n := newFakeNode(t)
	n.set(func() { n.late = 20 * time.Millisecond })
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	other, _ := n.add(2, 100, 512, checksumCRC32C)
	wrong := b
	wrong.GenerationStamp++
	c := newTestClient(t, n.socket, Options{})
	for _, right := range []Block{b, other} {
		if _, err := c.Open(soon(t), wrong, Token{}); !errors.Is(err, StatusError) {
			t.Fatal(err)
		}
		r := mustOpen(t, c, right)
		defer r.Close()
		if !r.Valid() {
			t.Error("the replica is not valid")
		}
	}
	first, second := n.usesSlot(1, 1), n.usesSlot(1, 2)
	if s := c.Stats(); !first || !second || s.Segments != 1 || s.Dialled != 1 || s.SlotsLost != 0 {
		t.Errorf("slots 1 and 2: %v and %v, %+v", first, second, s)
	}
	if _, err := c.Open(soon(t), wrong, Token{}); !errors.Is(err, StatusError) {
		t.Fatal(err)
	}
	c.pool.sweep(true)
	if s := c.Stats(); s.SlotsLost != 1 {
		t.Errorf("without another answer: %+v", s)
	}
}

func TestDoesAnUnusedReplicaExpire(t *testing.T) {
	n := newFakeNode(t)
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{Idle: time.Millisecond})
	mustOpen(t, c, b).Close()
	until(t, "it expired", func() bool { return c.Stats().Expired == 1 && n.inUse() == 0 })
}

func TestWhatIfTheDataNodeEnds(t *testing.T) {
	n := newFakeNode(t)
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{})
	r := mustOpen(t, c, b)
	defer r.Close()
	n.drop()
	until(t, "the segment's end was noticed", func() bool { return !r.Valid() })
	again := mustOpen(t, c, b) // over another connection, with another segment
	defer again.Close()
	if s := c.Stats(); !again.Valid() || s.Segments != 2 {
		t.Errorf("%+v", s)
	}
}

func TestWhatIfThereIsNoSharedMemory(t *testing.T) {
	n := newFakeNode(t)
	n.set(func() { n.noShm = true })
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{})
	mustOpen(t, c, b).Close()
	mustOpen(t, c, b).Close()
	if n.count(opRequestShm) != 1 || n.count(opRequestFDs) != 1 || c.Stats().CacheHits != 1 {
		t.Errorf("%v, %+v", n.calls, c.Stats())
	}
}

func TestAreMoreSlotsThanASegmentHasPossible(t *testing.T) {
	n := newFakeNode(t)
	c := newTestClient(t, n.socket, Options{Replicas: 200})
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	for i := range int64(150) {
		b.ID = uint64(1000 + i)
		n.set(func() { f := n.blocks[1]; f.ID = b.ID; n.blocks[b.ID] = f })
		mustOpen(t, c, b).Close()
	}
	if s := c.Stats(); s.Segments != 2 || n.inUse() != 150 {
		t.Errorf("%+v, %d slots", s, n.inUse())
	}
}
