package shortcircuit

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// fakeNode is a DataNode in Go. Its answers are the bytes that a DataNode of
// Hadoop 3.3.5 has sent.
type fakeNode struct {
	t      testing.TB
	dir    string
	socket string
	addr   string
	ends   []io.Closer
	work   sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool
	blocks   map[uint64]fakeBlock
	segs     []*os.File
	slots    map[uint64]bool // those in use
	calls    map[byte]int
	twice    int // slots that were released when nobody used them
	token    string
	together bool // the answer and the byte after it in one message
	mute     bool // no answer to anything
	garbage  []byte
	noShm    bool
	late     time.Duration // between a refusal and the end of its slot
	opened   []*os.File    // a block's two files, opened beforehand
}

type fakeBlock struct {
	Block
	data, meta string
	chunk      int
	typ        byte
}

const fakePool = "BP-1-127.0.0.1-1"

// newFakeNode starts a DataNode that is stopped, and held to what it owns, at the
// end of the test.
func newFakeNode(t testing.TB) *fakeNode {
	t.Helper()
	fdtest.NoLeak(t)
	return startFakeNode(t)
}

func startFakeNode(t testing.TB) *fakeNode {
	t.Helper()
	dir := fdtest.SocketDir(t)
	n := &fakeNode{t: t, dir: dir, socket: filepath.Join(dir, "dn"), conns: map[net.Conn]bool{},
		blocks: map[uint64]fakeBlock{}, slots: map[uint64]bool{}, calls: map[byte]int{}}
	unix, err := net.Listen("unix", n.socket)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.addr = tcp.Addr().String()
	n.ends = []io.Closer{unix, tcp}
	for _, l := range []net.Listener{unix, tcp} {
		n.work.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				n.mu.Lock()
				n.conns[c] = true
				n.mu.Unlock()
				n.work.Go(func() { n.serve(c) })
			}
		})
	}
	t.Cleanup(n.stop)
	return n
}

func (n *fakeNode) stop() {
	for _, l := range n.ends {
		l.Close()
	}
	n.drop()
	n.work.Wait()
	for _, f := range n.segs {
		f.Close()
	}
	n.segs = nil
}

// drop closes all connections.
func (n *fakeNode) drop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.Close()
	}
}

func (n *fakeNode) count(op byte) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[op]
}

// add makes a block of random bytes.
func (n *fakeNode) add(id uint64, length, chunk int, typ byte) (Block, []byte) {
	n.t.Helper()
	data := make([]byte, length)
	random := rand.New(rand.NewPCG(id, 7))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	meta := binary.BigEndian.AppendUint32([]byte{0, 1, typ}, uint32(chunk))
	meta = append(meta, sumsOf(data, chunk, typ)...)
	b := fakeBlock{Block: Block{fakePool, id, 1001, int64(length)}, chunk: chunk, typ: typ,
		data: filepath.Join(n.dir, "blk"+string(rune('a'+id))),
		meta: filepath.Join(n.dir, "meta"+string(rune('a'+id)))}
	for name, content := range map[string][]byte{b.data: data, b.meta: meta} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			n.t.Fatal(err)
		}
	}
	n.mu.Lock()
	n.blocks[id] = b
	n.mu.Unlock()
	return b.Block, data
}

func sumsOf(data []byte, chunk int, typ byte) (sums []byte) {
	table := map[byte]*crc32.Table{1: crc32.IEEETable, 2: crc32.MakeTable(crc32.Castagnoli)}[typ]
	for i := 0; table != nil && i < len(data); i += chunk {
		sums = binary.BigEndian.AppendUint32(sums, crc32.Checksum(data[i:min(i+chunk, len(data))], table))
	}
	return sums
}

// spoil changes one bit of a block's file.
func (n *fakeNode) spoil(id uint64, at int64) {
	n.t.Helper()
	f, err := os.OpenFile(n.blocks[id].data, os.O_RDWR, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	f.ReadAt(b[:], at)
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], at); err != nil {
		n.t.Fatal(err)
	}
}

// forget deletes a block as a DataNode does: it clears the flags of all slots.
func (n *fakeNode) forget(id uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.blocks, id)
	for _, f := range n.segs {
		f.WriteAt(make([]byte, segmentSize), 0)
	}
}

// clear ends the use of a slot.
func (n *fakeNode) clear(seg, index uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.segs[seg-1].WriteAt(make([]byte, slotSize), int64(index)*slotSize)
}

func (n *fakeNode) set(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

// serve answers requests on one connection.
func (n *fakeNode) serve(c net.Conn) {
	defer func() {
		c.Close()
		n.set(func() { delete(n.conns, c) })
	}()
	c.SetDeadline(time.Now().Add(5 * patience)) // stop closes it before
	r := bufio.NewReader(c)
	for {
		var h [3]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return
		}
		m, err := readMessage(r)
		if err != nil {
			return
		}
		n.mu.Lock()
		n.calls[h[2]]++
		mute, garbage := n.mute, n.garbage
		n.mu.Unlock()
		if mute {
			continue
		}
		if garbage != nil {
			c.Write(garbage)
			return
		}
		if !n.answer(c, r, h[2], m) {
			return
		}
	}
}

// answer reports whether the connection takes another request.
func (n *fakeNode) answer(c net.Conn, r *bufio.Reader, op byte, m []byte) bool {
	switch op {
	case opRequestFDs:
		return n.grant(c.(*net.UnixConn), r, m)
	case opRequestShm:
		return n.share(c.(*net.UnixConn))
	case opRelease:
		seg, index := fakeSlot(m)
		n.mu.Lock()
		ok := n.slots[seg<<16|index]
		delete(n.slots, seg<<16|index)
		if !ok {
			n.twice++
		}
		n.mu.Unlock()
		c.Write(map[bool][]byte{true: {2, 8, 0}, false: {2, 8, 3}}[ok])
		return true
	case opReadBlock:
		return n.send(c, m)
	}
	c.Write([]byte{op, op}) // what no DataNode says
	return true
}

// find returns the block of a header, or the status that refuses it.
func (n *fakeNode) find(header []byte) (fakeBlock, Status, bool) {
	block, token, err := parseHeader(header)
	if err != nil || block.Pool != fakePool {
		return fakeBlock{}, 0, false // the real one does not answer either
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	b, ok := n.blocks[block.ID]
	switch {
	case n.token != string(token.Identifier):
		return b, StatusErrorAccessToken, true
	case !ok || b.GenerationStamp != block.GenerationStamp:
		return b, StatusError, true
	}
	return b, StatusSuccess, true
}

func (n *fakeNode) grant(c *net.UnixConn, r *bufio.Reader, m []byte) bool {
	var header []byte
	var seg, index uint64
	slot, version := false, uint64(0)
	for f := range fields(m) {
		switch f.num {
		case 1:
			header = f.bytes
		case 2:
			version = f.n
		case 3:
			slot = true
			seg, index = fakeSlot(appendBytes(nil, 1, f.bytes))
		}
	}
	b, status, answered := n.find(header)
	if !answered {
		return true
	}
	if version < 1 {
		status = StatusErrorUnsupported
	}
	if status != StatusSuccess {
		c.Write(appendMessage(nil, appendBytes(appendUint(nil, 1, uint64(status)), 5, "no block for you")))
		if slot && status != StatusErrorAccessToken { // as the real one does it, after the answer
			n.mu.Lock()
			late := n.late
			n.mu.Unlock()
			time.Sleep(late)
			n.clear(seg, index)
		}
		return status == StatusError
	}
	if slot {
		n.set(func() { n.slots[seg<<16|index] = true })
	}
	n.mu.Lock()
	together, files := n.together, n.opened
	n.mu.Unlock()
	if files == nil {
		files = n.openFiles(b.ID)
		defer closeAll(files)
	}
	success, receipt := []byte{4, 8, 0, 0x30, 1}, []byte{1}
	if together {
		receipt = append(success, receipt...)
	} else if _, err := c.Write(success); err != nil {
		return false
	}
	if _, err := fdpass.SendMsg(c, receipt, files...); err != nil {
		return false
	}
	_, err := r.ReadByte()
	return err == nil
}

func (n *fakeNode) openFiles(id uint64) []*os.File {
	n.mu.Lock()
	b := n.blocks[id]
	n.mu.Unlock()
	var files []*os.File
	for _, name := range []string{b.data, b.meta} {
		f, err := os.Open(name)
		if err != nil {
			n.t.Error(err)
		}
		files = append(files, f)
	}
	return files
}

func fakeSlot(release []byte) (seg, index uint64) {
	for f := range fields(release) {
		for g := range fields(f.bytes) {
			if g.num == 2 {
				index = g.n
			}
			for h := range fields(g.bytes) {
				if h.num == 1 {
					seg = h.n
				}
			}
		}
	}
	return seg, index
}

func (n *fakeNode) share(c *net.UnixConn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.noShm {
		c.Write([]byte{2, 8, 7})
		return false
	}
	f, err := os.CreateTemp(n.dir, "shm")
	if err != nil {
		return false
	}
	os.Remove(f.Name())
	f.Truncate(segmentSize)
	n.segs = append(n.segs, f)
	id := appendUint(appendUint(nil, 1, uint64(len(n.segs))), 2, 1<<63)
	c.Write(appendMessage(nil, appendBytes([]byte{8, 0}, 3, id)))
	_, err = fdpass.SendMsg(c, []byte{0}, f)
	return err == nil
}

// send answers READ_BLOCK with the file as it is and the checksums as they were.
func (n *fakeNode) send(c net.Conn, m []byte) bool {
	req, err := parseReadBlock(m)
	if err != nil {
		return false
	}
	b, status, answered := n.find(appendHeader(nil, req.block, req.token))
	if !answered {
		return false
	}
	if status != StatusSuccess {
		c.Write(appendMessage(nil, appendUint(nil, 1, uint64(status))))
		return false
	}
	data, _ := os.ReadFile(b.data)
	meta, _ := os.ReadFile(b.meta)
	start := req.off / int64(b.chunk) * int64(b.chunk)
	end := min(req.off+req.length, int64(len(data)))
	if rest := end % int64(b.chunk); rest > 0 {
		end = min(end-rest+int64(b.chunk), int64(len(data)))
	}
	sum := appendUint(appendUint(nil, 1, uint64(b.typ)), 2, uint64(b.chunk))
	info := appendUint(appendBytes(nil, 1, sum), 2, uint64(start))
	out := appendMessage(nil, appendBytes([]byte{8, 0}, 4, info))
	for off := start; ; {
		part := data[off:min(end, off+max(int64(b.chunk), 64<<10/int64(b.chunk)*int64(b.chunk)))]
		first := off / int64(b.chunk)
		sums := []byte{}
		if b.typ != 0 {
			sums = meta[metaHeader:][first*4 : (off+int64(len(part))+int64(b.chunk)-1)/int64(b.chunk)*4]
		}
		head := appendPacket(nil, packet{off: off, last: len(part) == 0, size: len(part)})
		binary.BigEndian.PutUint32(head, uint32(4+len(sums)+len(part)))
		out = append(append(append(out, head...), sums...), part...)
		if _, err := c.Write(out); err != nil || len(part) == 0 {
			return err == nil
		}
		out = out[:0]
		off += int64(len(part))
	}
}
