package cluster_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"example.com/fdpass/hdfs"
)

func TestDoTheDialerAndJavaReadTheSame(t *testing.T) {
	for _, test := range []struct {
		size, blockSize int64
		checksum        string
		chunk           int
	}{
		{0, mib, "CRC32C", 512},
		{1, mib, "CRC32C", 512},
		{511, mib, "CRC32C", 512},
		{512, mib, "CRC32C", 512},
		{5 * mib, mib, "CRC32C", 512},
		{3*mib + 777, mib, "CRC32C", 512},
		{3*mib + 777, mib, "CRC32", 4096},
		{2*mib + 1, mib, "NULL", 512},
		{256 * mib, 128 * mib, "CRC32C", 512},
	} {
		t.Run(fmt.Sprint(test.size, "_", test.checksum, "_", test.chunk), func(t *testing.T) {
			n := newNodes(t)
			path := n.writeWith(test.size, test.blockSize, 1, test.checksum, test.chunk)
			defer n.do("delete", path)
			d := n.dialer(shortcircuit.DialerOptions{})
			got := n.mustRead(n.hdfs(d), path)
			sum, local := n.javaHash(path)
			if hash(got) != sum || local != test.size {
				t.Errorf("%d bytes with SHA-256 %s, Java's have %s (%d short-circuit)",
					len(got), hash(got), sum, local)
			}
			if s := d.Stats(); s.ShortCircuitBytes != test.size || s.TCPBytes != 0 || len(s.Fallbacks) != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestDoManyReadersGetTheRightBytes(t *testing.T) {
	n := newNodes(t)
	path := n.write(5*mib+321, mib, 1)
	want := n.mustRead(n.hdfs(nil), path)
	// Two DataNodes have six blocks, one of them at least three: it has to let go of some.
	d := n.dialer(shortcircuit.DialerOptions{Options: shortcircuit.Options{Replicas: 2}})
	c := n.hdfs(d)
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			f, err := c.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			random := rand.New(rand.NewPCG(uint64(i), 1))
			p := make([]byte, 4096)
			for range 100 {
				off := random.Int64N(int64(len(want)))
				k, err := f.ReadAt(p, off)
				if !bytes.Equal(p[:k], want[off:min(int(off)+4096, len(want))]) ||
					err != nil && err != io.EOF {
					t.Errorf("at %d: %d bytes, %v", off, k, err)
				}
			}
			f.Seek(0, io.SeekStart)
			if all, err := io.ReadAll(f); err != nil || !bytes.Equal(all, want) {
				t.Errorf("all: %d bytes, %v", len(all), err)
			}
		})
	}
	work.Wait()
	s := d.Stats()
	if s.TCPBytes != 0 || len(s.Fallbacks) != 0 || s.Evicted == 0 || s.CacheHits == 0 || s.SlotsLost != 0 {
		t.Errorf("%+v", s)
	}
}

func TestDoReplicasHaveTheBlocksBytes(t *testing.T) {
	n := newNodes(t)
	path := n.write(2*mib+100, mib, 1)
	want := n.mustRead(n.hdfs(nil), path)
	var got bytes.Buffer
	for _, b := range n.blocks(path) {
		r, err := shortcircuit.Open(soon(t), b.socket, b.Block, b.token)
		if err != nil {
			t.Fatal(err)
		}
		if k, err := r.WriteTo(&got); k != b.Length || err != nil || !r.Verified() {
			t.Errorf("%d of %d bytes, %v, verified %v", k, b.Length, err, r.Verified())
		}
		r.Close()
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("other bytes than by TCP")
	}
}

// traced counts the lines of a trace about an operation on a block.
func traced(trace, op string, b shortcircuit.Block) (count int) {
	for line := range strings.Lines(trace) {
		id := fmt.Sprintf("blockid: %d,", b.ID)
		if op == "HDFS_READ" {
			id = fmt.Sprintf("blockid: %s:blk_%d_", b.Pool, b.ID)
		}
		if strings.Contains(line, "op: "+op+",") && strings.Contains(line, id) &&
			!strings.Contains(line, "success: false") {
			count++
		}
	}
	return count
}

// What the DataNode itself has written proves that a read was short-circuit. A
// read by TCP beside it shows that those are written, too.
func TestDoesTheDataNodeSayThatItWasShortCircuit(t *testing.T) {
	n := newNodes(t)
	path := n.write(3*mib, mib, 1)
	d := n.dialer(shortcircuit.DialerOptions{})
	n.mustRead(n.hdfs(d), path)
	control := path + "-control"
	n.do("write", control, mib, mib, 1, "CRC32C", 512)
	n.mustRead(n.hdfs(nil), control)
	byTCP := n.blocks(control)[0]
	var trace string
	until(t, "the read by TCP is in the trace", func() bool {
		trace, _ = n.Trace()
		return traced(trace, "HDFS_READ", byTCP.Block) == 1
	})
	if k := traced(trace, "REQUEST_SHORT_CIRCUIT_FDS", byTCP.Block); k != 0 {
		t.Errorf("the control asked %d times for descriptors", k)
	}
	for _, b := range n.blocks(path) {
		fds, reads := traced(trace, "REQUEST_SHORT_CIRCUIT_FDS", b.Block), traced(trace, "HDFS_READ", b.Block)
		if fds != 1 || reads != 0 {
			t.Errorf("block %d: %d requests for descriptors and %d reads by TCP", b.ID, fds, reads)
		}
	}
}

// A slot that is released a second time is an error that the DataNode traces.
func TestIsEachSlotReleasedOnce(t *testing.T) {
	n := newNodes(t)
	path := n.write(6*mib, mib, 1)
	released := func(success string) (count int) {
		trace, err := n.Trace()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(trace) {
			if strings.Contains(line, "op: RELEASE_SHORT_CIRCUIT_FDS,") &&
				strings.Contains(line, "success: "+success) {
				count++
			}
		}
		return count
	}
	before, wrong := released("true"), released("false")
	d := n.dialer(shortcircuit.DialerOptions{Options: shortcircuit.Options{Replicas: 1}})
	n.mustRead(n.hdfs(d), path)
	// Each DataNode that has a part of the file keeps one slot.
	evicted := d.Stats().Evicted
	until(t, "the other slots are released", func() bool {
		return d.Stats().SlotsReleased == evicted && released("true") >= before+int(evicted)
	})
	d.Close()
	if s := d.Stats(); s.Evicted+s.Segments != 6 || s.SlotsLost != 0 || released("false") != wrong {
		t.Errorf("%+v; %d releases were wrong", s, released("false")-wrong)
	}
}
