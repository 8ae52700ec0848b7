package shortcircuit

import (
	"encoding/binary"
)

// readBlock is a request to read a part of a block by TCP (OpReadBlockProto).
type readBlock struct {
	block  Block
	token  Token
	off    int64
	length int64

	header []byte // as it came
	rest   []byte // the fields that are only passed on
}

// The beginnings of a connection, as far as they are known.
const (
	undecided = iota // more bytes are needed
	isReadBlock
	isOther
)

// recognize finds out whether what a client has written so far is a request to
// read a block.
func recognize(b []byte) (req *readBlock, kind int) {
	for i, want := range [...]byte{transferVersion >> 8, transferVersion & 0xff, opReadBlock} {
		if i == len(b) {
			return nil, undecided
		}
		if b[i] != want {
			return nil, isOther
		}
	}
	n, size := binary.Uvarint(b[3:])
	if size < 0 || n > maxMessage {
		return nil, isOther
	}
	switch body := b[3+size:]; {
	case size == 0 || uint64(len(body)) < n:
		return nil, undecided
	case uint64(len(body)) > n:
		return nil, isOther // a client waits for the answer before it goes on
	default:
		req, err := parseReadBlock(body)
		if err != nil {
			return nil, isOther // the DataNode shall judge it
		}
		return req, isReadBlock
	}
}

// parseReadBlock parses an OpReadBlockProto. It keeps no part of b.
func parseReadBlock(b []byte) (*readBlock, error) {
	b = append([]byte(nil), b...)
	r := &readBlock{}
	for f, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch f.num {
		case 1:
			r.header = f.bytes
		case 2:
			r.off = int64(f.n)
		case 3:
			r.length = int64(f.n)
		case 5:
			r.rest = appendBytes(r.rest, 5, f.bytes)
		}
	}
	if r.off < 0 || r.length < 0 || r.off+r.length < 0 {
		return nil, errProtocol("%d bytes at %d", r.length, r.off)
	}
	for f, err := range fields(r.header) { // a ClientOperationHeaderProto
		if err == nil && f.num == 1 {
			r.block, r.token, err = parseHeader(f.bytes)
		}
		if err != nil {
			return nil, err
		}
	}
	if r.block.Pool == "" {
		return nil, errProtocol("no block")
	}
	return r, nil
}

// message returns the request for what follows the first done bytes, with checksums.
func (r *readBlock) message(done int64) []byte {
	m := appendBytes(nil, 1, r.header)
	m = appendUint(m, 2, uint64(r.off+done))
	m = appendUint(m, 3, uint64(r.length-done))
	return append(m, r.rest...)
}

// appendSuccess appends the answer to a request to read a block
// (BlockOpResponseProto), without checksums and from the very byte that was asked
// for.
func appendSuccess(b []byte, chunk int, off int64) []byte {
	sum := appendUint(appendUint(nil, 1, checksumNull), 2, uint64(chunk))
	info := appendUint(appendBytes(nil, 1, sum), 2, uint64(off))
	return appendMessage(b, appendBytes(appendUint(nil, 1, uint64(StatusSuccess)), 4, info))
}

// packet is the header of a packet of a block's bytes (PacketHeaderProto).
type packet struct {
	off  int64 // in the block
	seq  int64
	last bool // it is empty and ends the block
	size int  // bytes of data
}

// appendPacket appends the header of a packet without checksums: two lengths, and
// the message.
func appendPacket(b []byte, p packet) []byte {
	m := appendFixed64(nil, 1, uint64(p.off))
	m = appendFixed64(m, 2, uint64(p.seq))
	last := uint64(0)
	if p.last {
		last = 1
	}
	m = appendUint(m, 3, last)
	m = appendFixed32(m, 4, uint32(p.size))
	b = binary.BigEndian.AppendUint32(b, uint32(4+p.size))
	b = binary.BigEndian.AppendUint16(b, uint16(len(m)))
	return append(b, m...)
}

func parsePacket(m []byte) (p packet, err error) {
	for f, err := range fields(m) {
		if err != nil {
			return p, err
		}
		switch f.num {
		case 1:
			p.off = int64(f.n)
		case 2:
			p.seq = int64(f.n)
		case 3:
			p.last = f.n != 0
		case 4:
			p.size = int(int32(f.n))
		}
	}
	if p.size < 0 {
		return p, errProtocol("a packet of %d bytes", p.size)
	}
	return p, nil
}
