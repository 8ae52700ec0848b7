package cluster_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"example.com/fdpass/hdfs"
)

func TestIsADeletedBlockLetGoOf(t *testing.T) {
	n := newNodes(t)
	path := n.write(1000, mib, 1)
	want := n.mustRead(n.hdfs(nil), path)
	b := n.blocks(path)[0]
	c := b.client(shortcircuit.Options{})
	defer c.Close()
	r, err := c.Open(soon(t), b.Block, b.token)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !r.Valid() {
		t.Error("not valid")
	}
	n.do("delete", path)
	until(t, "the DataNode says that the block is deleted", func() bool { return !r.Valid() })
	p := make([]byte, 1000)
	if _, err := r.ReadAt(p, 0); err != nil || !bytes.Equal(p, want) {
		t.Error("an open replica is not readable:", err)
	}
	until(t, "the cache has let go of it", func() bool { return c.Stats().Invalidated == 1 })
	if _, err := c.Open(soon(t), b.Block, b.token); !errors.Is(err, shortcircuit.StatusError) {
		t.Error("opening a deleted block:", err)
	}
	r.Close()
	until(t, "its slot is released", func() bool { return c.Stats().SlotsReleased == 1 })
	if s := c.Stats(); s.SlotsLost != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhatIfSomebodyAppends(t *testing.T) {
	n := newNodes(t)
	path := n.write(mib+1000, mib, 1) // the second block ends in the middle of a chunk
	was := n.mustRead(n.hdfs(nil), path)
	b := n.blocks(path)[1]
	kept, err := shortcircuit.Open(soon(t), b.socket, b.Block, b.token)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	d := n.dialer(shortcircuit.DialerOptions{})
	c := n.hdfs(d)
	old, err := c.Open(path) // it asks for the blocks at its first read
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if _, err := old.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	n.do("append", path, 5000)

	// Who knows only the old block gets its bytes: from a kept replica, and, when
	// the DataNode refuses to give descriptors for it, by TCP.
	var all bytes.Buffer
	if _, err := kept.WriteTo(&all); err != nil || !bytes.Equal(all.Bytes(), was[mib:]) {
		t.Errorf("a kept replica: %d bytes, %v", all.Len(), err)
	}
	_, err = shortcircuit.Open(soon(t), b.socket, b.Block, b.token)
	if !errors.Is(err, shortcircuit.StatusError) {
		t.Error("opening the old block:", err)
	}
	rest, err := io.ReadAll(old)
	if err != nil || !bytes.Equal(rest, was[1:]) {
		t.Errorf("an open file: %d bytes of %d, %v", len(rest), len(was)-1, err)
	}
	if s := d.Stats(); s.Fallbacks[shortcircuit.ReasonRefused] != 1 || s.TCPBytes != 1000 {
		t.Errorf("%+v", s)
	}

	// Who opens the file now gets everything from the block's file.
	before := d.Stats()
	now := n.mustRead(c, path)
	if sum, _ := n.javaHash(path); len(now) != len(was)+5000 || hash(now) != sum {
		t.Errorf("the longer file: %d bytes", len(now))
	}
	if s := d.Stats(); s.ShortCircuitBytes-before.ShortCircuitBytes != int64(len(now)) {
		t.Errorf("%+v, before: %+v", s, before)
	}
}

func TestWhatIfAFileIsBeingWritten(t *testing.T) {
	n := newNodes(t)
	path := "/" + t.Name()
	n.do("grow", path, 1000)
	b := n.blocks(path)[0]
	// Whatever length a client believes in, it gets no byte that is wrong.
	var seen [][]byte
	for _, length := range []int64{b.Length, 500, 1000, 2000} {
		b.Block.Length = length
		r, err := shortcircuit.Open(soon(t), b.socket, b.Block, b.token)
		if err != nil {
			if !errors.Is(err, shortcircuit.ErrLength) && !errors.Is(err, shortcircuit.ErrMeta) {
				t.Errorf("length %d: %v", length, err)
			}
			continue
		}
		var all bytes.Buffer
		if _, err := r.WriteTo(&all); err != nil && !errors.Is(err, shortcircuit.ErrChecksum) {
			t.Errorf("length %d: %v", length, err)
		}
		seen = append(seen, all.Bytes())
		r.Close()
	}
	n.do("grow", path, 3000)
	n.do("finish", path)
	d := n.dialer(shortcircuit.DialerOptions{})
	now := n.mustRead(n.hdfs(d), path)
	sum, _ := n.javaHash(path)
	if len(now) != 4000 || hash(now) != sum || d.Stats().ShortCircuitBytes != 4000 {
		t.Errorf("%d bytes, %+v", len(now), d.Stats())
	}
	for _, s := range seen {
		if !bytes.HasPrefix(now, s) {
			t.Errorf("%d bytes, and not those of the file", len(s))
		}
	}
}

// spoil changes one bit of a file.
func spoil(t testing.TB, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

func TestDoesADamagedBlockGiveAWrongByte(t *testing.T) {
	n := newNodes(t)
	path := n.write(2*mib, mib, 1)
	want := n.mustRead(n.hdfs(nil), path)
	const at = 300_000
	spoil(t, n.files(n.blocks(path)[1].Block)[0], at)
	d := n.dialer(shortcircuit.DialerOptions{})
	got, err := read(n.hdfs(d), path)
	if err == nil || !bytes.HasPrefix(want, got) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	good := int64(mib + at/512*512)
	if s := d.Stats(); s.Fallbacks[shortcircuit.ReasonChecksum] == 0 || s.ShortCircuitBytes != good {
		t.Errorf("%+v, and %d bytes are good", s, good)
	}
}

// Each DataNode has a damaged replica, of another file: whichever the client asks
// first, it comes across one of them.
func TestDoesADamagedReplicaMatterWhereThereIsAnother(t *testing.T) {
	n := newNodes(t)
	path := n.write(mib, mib, 2)
	n.do("write", path+"2", mib, mib, 2, "CRC32C", 512)
	want := map[string][]byte{}
	for i, p := range []string{path, path + "2"} {
		want[p] = n.mustRead(n.hdfs(nil), p)
		spoil(t, n.files(n.blocks(p)[0].Block)[i], 777_777)
	}
	d := n.dialer(shortcircuit.DialerOptions{})
	for i := 0; d.Stats().Fallbacks[shortcircuit.ReasonChecksum] == 0; i++ {
		for p := range want {
			if got, err := read(n.hdfs(d), p); err != nil || !bytes.Equal(got, want[p]) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		}
		if i == 100 {
			t.Fatal("nobody has read a damaged replica")
		}
	}
}
