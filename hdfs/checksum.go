package shortcircuit

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// The types of checksums (ChecksumTypeProto in hdfs.proto, and the type byte of a
// meta file).
const (
	checksumNull   = 0
	checksumCRC32  = 1 // IEEE 802.3
	checksumCRC32C = 2 // Castagnoli
)

var tables = map[int]*crc32.Table{
	checksumNull:   nil,
	checksumCRC32:  crc32.IEEETable,
	checksumCRC32C: crc32.MakeTable(crc32.Castagnoli),
}

// checksums are those of a block or of a packet, a big-endian CRC for each chunk.
type checksums struct {
	table *crc32.Table // nil if there are none
	chunk int          // bytes that a checksum is for
	sums  []byte
}

// maxChunk bounds the bytes that a checksum is for. 512 is usual.
const maxChunk = 1 << 24

func newChecksums(typ, chunk int) (checksums, error) {
	table, ok := tables[typ]
	if !ok {
		return checksums{}, fmt.Errorf("checksum type %d", typ)
	}
	if chunk <= 0 || chunk > maxChunk {
		return checksums{}, fmt.Errorf("checksums for %d bytes each", chunk)
	}
	return checksums{table: table, chunk: chunk}, nil
}

// size returns how many bytes the checksums of n bytes of data take.
func (c *checksums) size(n int64) int64 {
	if c.table == nil {
		return 0
	}
	return (n + int64(c.chunk) - 1) / int64(c.chunk) * crc32.Size
}

// verify returns how many of data's bytes are in chunks before the first one with
// a wrong checksum, and whether that is all. The first chunk of data has the
// given number; only the last chunk may be short.
func (c *checksums) verify(data []byte, first int64) (good int, ok bool) {
	if c.table == nil {
		return len(data), true
	}
	sums := c.sums[first*crc32.Size:]
	for good < len(data) {
		chunk := data[good:min(good+c.chunk, len(data))]
		if crc32.Update(0, c.table, chunk) != binary.BigEndian.Uint32(sums) {
			return good, false
		}
		good += len(chunk)
		sums = sums[crc32.Size:]
	}
	return good, true
}

// metaHeader is how many bytes a meta file has before its checksums: version,
// type and the bytes of a chunk (BlockMetadataHeader in Hadoop).
const metaHeader = 2 + 1 + 4

// readMeta reads the meta file of a block. The checksums are read once, since the
// last one changes when somebody appends to the block.
func readMeta(r io.ReaderAt, length int64) (checksums, error) {
	var h [metaHeader]byte
	if n, err := r.ReadAt(h[:], 0); n < len(h) {
		return checksums{}, fmt.Errorf("%w: its header: %w", ErrMeta, noEOF(err))
	}
	if v := binary.BigEndian.Uint16(h[:]); v != 1 {
		return checksums{}, fmt.Errorf("%w: version %d", ErrMeta, v)
	}
	c, err := newChecksums(int(h[2]), int(binary.BigEndian.Uint32(h[3:])))
	if err != nil {
		return checksums{}, fmt.Errorf("%w: %w", ErrMeta, err)
	}
	c.sums = make([]byte, c.size(length))
	if n, err := r.ReadAt(c.sums, metaHeader); n < len(c.sums) {
		return checksums{}, fmt.Errorf("%w: its checksums: %w", ErrMeta, noEOF(err))
	}
	return c, nil
}
