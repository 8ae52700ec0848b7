package shortcircuit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// patience is how long anything may take that should take no time. A busy machine may
// stop the DataNode or its client at any moment.
const patience = time.Minute

// soon returns a context that no test should need to the end.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newTestClient makes a Client that waits for the DataNode as long as a test does.
func newTestClient(t testing.TB, socket string, opts Options) *Client {
	if opts.Timeout == 0 {
		opts.Timeout = patience
	}
	c := NewClient(socket, opts)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDoesAReplicaHaveTheBlocksBytes(t *testing.T) {
	for _, together := range []bool{false, true} {
		for i, chunk := range []int{512, 1, 7, 4096, 100_000} {
			for _, typ := range []byte{checksumCRC32, checksumCRC32C, checksumNull} {
				t.Run(fmt.Sprint(chunk, typ, together), func(t *testing.T) {
					readEverywhere(t, together, uint64(i), chunk, typ)
				})
			}
		}
	}
}

func readEverywhere(t *testing.T, together bool, id uint64, chunk int, typ byte) {
	n := newFakeNode(t)
	n.set(func() { n.together = together })
	block, want := n.add(id, 200_123, chunk, typ)
	r, err := Open(soon(t), n.socket, block, Token{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Len() != 200_123 || r.Verified() != (typ != checksumNull) || !r.Valid() {
		t.Errorf("length %d, verified %v, valid %v", r.Len(), r.Verified(), r.Valid())
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		off, size := random.Int64N(r.Len()), random.IntN(70_000)
		p := make([]byte, size)
		k, err := r.ReadAt(p, off)
		rest := want[off:]
		if len(rest) < size {
			if err != io.EOF || k != len(rest) {
				t.Fatalf("%d bytes at %d: %d, %v", size, off, k, err)
			}
		} else if err != nil || k != size {
			t.Fatalf("%d bytes at %d: %d, %v", size, off, k, err)
		}
		if !bytes.Equal(p[:k], rest[:k]) {
			t.Fatalf("%d bytes at %d: wrong bytes", size, off)
		}
	}
	var all bytes.Buffer
	if k, err := r.WriteTo(&all); err != nil || k != r.Len() || !bytes.Equal(all.Bytes(), want) {
		t.Errorf("WriteTo: %d, %v", k, err)
	}
}

func TestWhatIsReturnedBeforeABadChunk(t *testing.T) {
	n := newFakeNode(t)
	block, want := n.add(1, 10_000, 512, checksumCRC32C)
	n.spoil(1, 5000) // chunk 9: 4608 to 5120
	r, err := Open(soon(t), n.socket, block, Token{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, off := range []int64{0, 100, 4607} {
		p := bytes.Repeat([]byte{0xee}, 8000)
		k, err := r.ReadAt(p, off)
		var bad *ChecksumError
		if !errors.As(err, &bad) || bad.Offset != 4608 || !errors.Is(err, ErrChecksum) {
			t.Errorf("error %v", err)
		}
		if int64(k) != 4608-off || !bytes.Equal(p[:k], want[off:4608]) {
			t.Errorf("%d good bytes", k)
		}
	}
	p := make([]byte, 100)
	if k, err := r.ReadAt(p, 5120); k != 100 || err != nil || !bytes.Equal(p, want[5120:5220]) {
		t.Errorf("after the bad chunk: %d, %v", k, err)
	}
}

// A large read is shared by two goroutines.
func TestAreTheBytesOfALargeReadRight(t *testing.T) {
	n := newFakeNode(t)
	const size = 3_000_001
	for _, bad := range []int64{-1, 10, 1_400_000, 1_600_000, size - 1} {
		for i, chunk := range []int{512, 700, 1_000_000} {
			block, want := n.add(uint64(i), size, chunk, checksumCRC32C)
			good := int64(size)
			if bad >= 0 {
				n.spoil(uint64(i), bad)
				good = bad / int64(chunk) * int64(chunk)
			}
			r, err := Open(soon(t), n.socket, block, Token{})
			if err != nil {
				t.Fatal(err)
			}
			for _, off := range []int64{0, 1, 511, 512, 1_000_000} {
				if off > good {
					continue
				}
				p := make([]byte, size+10)
				k, err := r.ReadAt(p, off)
				if int64(k) != good-off || !bytes.Equal(p[:k], want[off:][:k]) {
					t.Errorf("bad at %d, chunks of %d, at %d: %d bytes, %v", bad, chunk, off, k, err)
				}
				var wrong *ChecksumError
				ok := errors.As(err, &wrong)
				if ok != (bad >= 0) || ok && wrong.Offset != good || !ok && err != io.EOF {
					t.Errorf("bad at %d, chunks of %d, at %d: %v", bad, chunk, off, err)
				}
			}
			r.Close()
		}
	}
}

func TestWhichErrorIsWhich(t *testing.T) {
	n := newFakeNode(t)
	n.set(func() { n.token = "right" })
	block, _ := n.add(1, 1000, 512, checksumCRC32)
	right := Token{Identifier: []byte("right")}
	c := newTestClient(t, n.socket, Options{})
	for _, test := range []struct {
		name  string
		block Block
		token Token
		want  error
	}{
		{"another token", block, Token{Identifier: []byte("wrong")}, StatusErrorAccessToken},
		{"another stamp", Block{fakePool, 1, 999, 1000}, right, StatusError},
		{"unknown", Block{fakePool, 2, 1001, 1000}, right, StatusError},
		{"too long", Block{fakePool, 1, 1001, 1001}, right, ErrLength},
	} {
		if r, err := c.Open(soon(t), test.block, test.token); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, %v", test.name, r, err)
		}
	}
	// To a block of an unknown pool there is no answer.
	unknown := Block{"BP-2", 1, 1001, 1000}
	r, err := c.open(soon(t), 50*time.Millisecond, unknown, right)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("unknown pool: %v, %v", r, err)
	}
	for name, answer := range map[string][]byte{
		"nothing": {}, "no status": {0}, "no descriptors": {4, 8, 0, 0x30, 1, 1},
		"an endless length": bytes.Repeat([]byte{0xff}, 20),
	} {
		n.set(func() { n.garbage = answer })
		if r, err := Open(soon(t), n.socket, block, right); err == nil {
			t.Errorf("%s: %v", name, r)
		}
	}
	n.set(func() { n.garbage = nil })
	if r, err = c.Open(soon(t), block, right); err != nil {
		t.Fatal("after all these:", err)
	}
	r.Close()
	if _, err := r.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
		t.Error("after Close:", err)
	}
}

func TestDoesACancelledOpenLeaveNothing(t *testing.T) {
	n := newFakeNode(t)
	n.set(func() { n.mute = true })
	block, _ := n.add(1, 1000, 512, checksumCRC32)
	c := newTestClient(t, n.socket, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.Open(ctx, block, Token{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	n.set(func() { n.mute = false })
	r, err := c.Open(soon(t), block, Token{})
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

func TestWhatDoesAFullDescriptorTableDo(t *testing.T) {
	n := newFakeNode(t)
	var blocks []Block
	for id := range uint64(5) {
		b, _ := n.add(id, 1000, 512, checksumCRC32)
		blocks = append(blocks, b)
	}
	// The other end is in this process too: it must not open or close anything
	// meanwhile.
	opened := n.openFiles(0)
	defer closeAll(opened)
	n.set(func() { n.opened = opened })
	c := newTestClient(t, n.socket, Options{})
	for free := range 2 {
		mustOpen(t, c, blocks[2*free]).Close() // a connection and a segment
		before := fdtest.Count(t)
		ctx := soon(t)
		restore := fdtest.LimitTable(t, free)
		r, err := c.Open(ctx, blocks[4], Token{})
		restore()
		if !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%d free: %v, %v", free, r, err)
		}
		mustOpen(t, c, blocks[2*free+1]).Close()
		until(t, "as many descriptors as before, and a replica", func() bool {
			return fdtest.Count(t) == before+1
		})
	}
}

func TestMayManyReadOneReplica(t *testing.T) {
	n := newFakeNode(t)
	block, want := n.add(1, 300_000, 512, checksumCRC32C)
	c := newTestClient(t, n.socket, Options{Replicas: 1})
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for j := range 30 {
				r, err := c.Open(soon(t), block, Token{})
				if err != nil {
					t.Error(err)
					return
				}
				p := make([]byte, 10_000)
				off := int64(i*1000 + j*7000)
				if _, err := r.ReadAt(p, off); err != nil || !bytes.Equal(p, want[off:][:len(p)]) {
					t.Errorf("at %d: %v", off, err)
				}
				r.Close()
				r.Close()
			}
		})
	}
	work.Wait()
	if s := c.Stats(); s.CacheHits+s.CacheMisses != 240 || s.CacheHits < 200 {
		t.Errorf("%+v", s)
	}
}
