package shortcircuit

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// tcpBlock reads a part of a block from a DataNode by TCP, and verifies it.
type tcpBlock struct {
	req  *readBlock
	r    *bufio.Reader
	sums checksums

	pos, end int64 // in the block: the next byte, and the end of what was asked for
	data     []byte
	buf      []byte
	err      error // after data
}

// openTCP sends a request for what follows the first done bytes, and reads the
// answer. The connection stays the caller's.
func openTCP(c net.Conn, req *readBlock, done int64) (*tcpBlock, error) {
	if _, err := c.Write(appendRequest(nil, opReadBlock, req.message(done))); err != nil {
		return nil, err
	}
	t := &tcpBlock{
		req: req, r: bufio.NewReaderSize(c, 128<<10), pos: req.off + done, end: req.off + req.length,
	}
	answer, err := readMessage(t.r)
	if err != nil {
		return nil, noEOF(err)
	}
	if err := replyError(opReadBlock, answer); err != nil {
		return nil, err
	}
	for f, err := range fields(answer) {
		if err == nil && f.num == 4 {
			err = t.parseInfo(f.bytes)
		}
		if err != nil {
			return nil, err
		}
	}
	if t.sums.chunk == 0 {
		return nil, errProtocol("READ_BLOCK: an answer that says nothing about checksums")
	}
	return t, nil
}

// parseInfo parses a ReadOpChecksumInfoProto.
func (t *tcpBlock) parseInfo(b []byte) error {
	for f, err := range fields(b) {
		if err != nil {
			return err
		}
		if f.num != 1 {
			continue
		}
		var typ, chunk uint64
		for g, err := range fields(f.bytes) {
			switch {
			case err != nil:
				return err
			case g.num == 1:
				typ = g.n
			case g.num == 2:
				chunk = g.n
			}
		}
		if t.sums, err = newChecksums(int(min(typ, maxChunk)), int(min(chunk, maxChunk+1))); err != nil {
			return errProtocol("READ_BLOCK: %w", err)
		}
	}
	return nil
}

// Read returns verified bytes, those before a chunk with a wrong checksum too.
// Then it returns a [ChecksumError].
func (t *tcpBlock) Read(p []byte) (n int, err error) {
	for len(t.data) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		if t.pos >= t.end {
			return 0, io.EOF
		}
		t.data, t.err = t.packet()
	}
	n = copy(p, t.data)
	t.data = t.data[n:]
	t.pos += int64(n)
	return n, nil
}

// maxPacket is the largest packet that a DataNode sends (PacketReceiver in
// Hadoop).
const maxPacket = 16 << 20

// packet reads a packet and returns the bytes of it that were asked for. It may
// begin before them, with the chunk that they begin in.
func (t *tcpBlock) packet() ([]byte, error) {
	var lengths [6]byte
	if _, err := io.ReadFull(t.r, lengths[:]); err != nil {
		return nil, noEOF(err)
	}
	size := int64(binary.BigEndian.Uint32(lengths[:])) - 4
	header := make([]byte, binary.BigEndian.Uint16(lengths[4:]))
	if _, err := io.ReadFull(t.r, header); err != nil {
		return nil, noEOF(err)
	}
	p, err := parsePacket(header)
	if err != nil {
		return nil, err
	}
	sums := t.sums.size(int64(p.size))
	if size != sums+int64(p.size) || size > maxPacket {
		return nil, errProtocol("a packet of %d bytes for %d of data", size, p.size)
	}
	if p.last && p.size == 0 {
		return nil, fmt.Errorf("%w: it ends at %d", ErrLength, t.pos)
	}
	if p.off > t.pos || p.off+int64(p.size) <= t.pos {
		return nil, errProtocol("a packet with %d bytes at %d, where %d is next", p.size, p.off, t.pos)
	}
	if int64(cap(t.buf)) < size {
		t.buf = make([]byte, size)
	}
	t.buf = t.buf[:size]
	if _, err := io.ReadFull(t.r, t.buf); err != nil {
		return nil, noEOF(err)
	}
	return t.verify(p, t.buf[:sums], t.buf[sums:])
}

func (t *tcpBlock) verify(p packet, sums, data []byte) (_ []byte, err error) {
	t.sums.sums = sums
	good, ok := t.sums.verify(data, 0)
	if !ok {
		err = &ChecksumError{Block: t.req.block, Offset: p.off + int64(good)}
	}
	skip := t.pos - p.off
	stop := min(int64(good), t.end-p.off)
	if stop <= skip {
		return nil, err
	}
	return data[skip:stop], err
}
