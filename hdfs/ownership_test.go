package shortcircuit

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestIsTheConnectionOfALateReleaseClosed(t *testing.T) {
	n := newFakeNode(t)
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	other, _ := n.add(2, 100, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{Replicas: 1, Idle: time.Millisecond})
	r := mustOpen(t, c, b)
	mustOpen(t, c, other).Close()
	until(t, "nothing is kept", func() bool {
		c.pool.sweep(true)
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.timer == nil && c.Stats().Expired == 1 && c.Stats().SlotsReleased == 1
	})
	r.Close()
	until(t, "it was released", func() bool { return c.Stats().SlotsReleased == 2 })
	until(t, "the connection was closed", func() bool {
		c.pool.mu.Lock()
		defer c.pool.mu.Unlock()
		return len(c.pool.idle) == 0
	})
}

func TestHowManySegmentsDoManyFirstOpensTake(t *testing.T) {
	n := newFakeNode(t)
	var blocks []Block
	for id := range uint64(16) {
		b, _ := n.add(id, 100, 512, checksumCRC32C)
		blocks = append(blocks, b)
	}
	c := newTestClient(t, n.socket, Options{})
	var work sync.WaitGroup
	for _, b := range blocks {
		work.Go(func() {
			if r, err := c.Open(soon(t), b, Token{}); err != nil {
				t.Error(err)
			} else {
				r.Close()
			}
		})
	}
	work.Wait()
	if s := c.Stats(); s.Segments != 1 || n.inUse() != 16 {
		t.Errorf("%+v, %d slots", s, n.inUse())
	}
}

func TestWhatIfNobodyClosesAReplica(t *testing.T) {
	n := newFakeNode(t)
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	other, _ := n.add(2, 100, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{Replicas: 1})
	mustOpen(t, c, b)             // and forgotten
	mustOpen(t, c, other).Close() // takes its place in the cache
	until(t, "the garbage collector gave it back", func() bool {
		runtime.GC()
		return c.Stats().SlotsReleased == 1
	})
}

// Not every client closes its connection after an error or at the end.
func TestDoesAnAnswerKeepTheReplicaAfterItsEnd(t *testing.T) {
	n := newFakeNode(t)
	b, _ := n.add(1, 1000, 512, checksumCRC32C)
	d := newTestDialer(t, n.socket)
	c, err := d.DialContext(soon(t), "tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	header := appendBytes(nil, 1, appendHeader(nil, b, Token{}))
	c.Write(appendRequest(nil, opReadBlock, (&readBlock{length: 1000, header: header}).message(0)))
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Fatal(err)
	}
	cache := c.(*blockConn).node.client.cache
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if refs := cache.entries[b].Value.(*entry).refs; refs != 1 {
		t.Errorf("%d references, and only the cache's is needed", refs)
	}
}

func TestDoesCloseWaitForASilentDataNode(t *testing.T) {
	n := newFakeNode(t)
	b, _ := n.add(1, 100, 512, checksumCRC32C)
	c := NewClient(n.socket, Options{Replicas: 1, Timeout: time.Hour})
	r := mustOpen(t, c, b)
	other, _ := n.add(2, 100, 512, checksumCRC32C)
	mustOpen(t, c, other).Close()
	n.set(func() { n.mute = true })
	r.Close() // asks for the release of its slot
	until(t, "the DataNode was asked", func() bool { return n.count(opRelease) == 1 })
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("Close waits")
	}
	if s := c.Stats(); s.SlotsLost != 0 { // the whole segment is free
		t.Errorf("%+v", s)
	}
}

func TestIsThereTimeLeftForTCP(t *testing.T) {
	n := newFakeNode(t)
	b, want := n.add(1, 1000, 512, checksumCRC32C)
	by := n.goodTCP(t, want)
	d := NewDialer(n.socket, DialerOptions{Options: Options{Timeout: time.Hour}})
	defer d.Close()
	n.set(func() { n.mute = true })
	c, err := d.DialContext(soon(t), "tcp", by)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second)) // half of which is for the socket
	header := appendBytes(nil, 1, appendHeader(nil, b, Token{}))
	r, err := openTCP(c, &readBlock{block: b, length: 1000, header: header}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if s := d.Stats(); s.Fallbacks[ReasonTimeout] != 1 || s.TCPBytes != 1000 {
		t.Errorf("%+v", s)
	}
}

func TestWhatIfTheFileBecomesShorter(t *testing.T) {
	n := newFakeNode(t)
	b, want := n.add(1, 400_000, 512, checksumCRC32C)
	r, err := Open(soon(t), n.socket, b, Token{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(n.blocks[1].data, 300_000); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 400_000)
	k, err := r.ReadAt(p, 0)
	if good := 300_000 / 512 * 512; k != good || !errors.Is(err, ErrLength) || !bytes.Equal(p[:k], want[:k]) {
		t.Errorf("%d bytes, %v", k, err)
	}
	r.shared.data.Close()
	if _, err := r.ReadAt(p, 0); errors.Is(err, ErrLength) || !errors.Is(err, os.ErrClosed) {
		t.Error("an error of the system:", err)
	}
	r.Close()
}
