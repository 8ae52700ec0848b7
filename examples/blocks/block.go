//go:build linux && go1.24

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"example.com/fdpass"
)

// A meta file is a header and a checksum for each chunk of the data, in their
// order, all of it big-endian.
const (
	metaVersion = 1
	typeCRC32C  = 2
	headerLen   = 2 + 1 + 4 // version, type of checksum, bytes in a chunk
	sumLen      = 4

	chunkLen = 512     // what store uses
	maxChunk = 1 << 20 // what read puts up with
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// block is an open block. It is an [io.ReaderAt] that returns only data which match
// their checksum. Several goroutines may use it.
type block struct {
	data, meta *os.File
	chunk      int64 // bytes in each but the last
	size       int64
}

// open asks a server for a block.
func open(conn *net.UnixConn, name string) (*block, error) {
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fdpass.SendMsg(conn, []byte(name)); err != nil {
		return nil, err
	}
	reason := make([]byte, 4096)
	n, files, err := fdpass.RecvExactly(conn, reason, 2)
	if errors.Is(err, fdpass.ErrCount) && n > 0 {
		return nil, fmt.Errorf("%s: %w", reason[:n], err)
	}
	if err != nil {
		return nil, err
	}
	b := &block{data: files[0], meta: files[1]}
	if err := b.init(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// init finds out how large the block and its chunks are.
func (b *block) init() error {
	info, err := b.data.Stat()
	if err != nil {
		return err
	}
	b.size = info.Size()
	var header [headerLen]byte
	if _, err := b.meta.ReadAt(header[:], 0); err != nil {
		return fmt.Errorf("meta file: %w", err)
	}
	if binary.BigEndian.Uint16(header[0:]) != metaVersion || header[2] != typeCRC32C {
		return errors.New("meta file: unknown version or checksum")
	}
	b.chunk = int64(binary.BigEndian.Uint32(header[3:]))
	if b.chunk < 1 || b.chunk > maxChunk {
		return fmt.Errorf("meta file: chunks of %d bytes", b.chunk)
	}
	return nil
}

// Close closes both descriptors.
func (b *block) Close() error { return errors.Join(b.data.Close(), b.meta.Close()) }

// ReadAt implements [io.ReaderAt]. It reads whole chunks, since only those have
// checksums, and checks each.
func (b *block) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	buf := make([]byte, b.chunk)
	for n < len(p) && off < b.size {
		i := off / b.chunk
		chunk, err := b.readChunk(buf, i)
		if err != nil {
			return n, err
		}
		k := copy(p[n:], chunk[off-i*b.chunk:])
		n += k
		off += int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readChunk reads the chunk i into buf and checks it.
func (b *block) readChunk(buf []byte, i int64) ([]byte, error) {
	start := i * b.chunk
	buf = buf[:min(b.chunk, b.size-start)]
	if _, err := b.data.ReadAt(buf, start); err != nil {
		return nil, fmt.Errorf("chunk %d: %w", i, noEOF(err))
	}
	var sum [sumLen]byte
	if _, err := b.meta.ReadAt(sum[:], headerLen+i*sumLen); err != nil {
		return nil, fmt.Errorf("checksum of chunk %d: %w", i, noEOF(err))
	}
	if crc32.Checksum(buf, castagnoli) != binary.BigEndian.Uint32(sum[:]) {
		return nil, fmt.Errorf("chunk %d, bytes %d to %d: wrong checksum", i, start, start+int64(len(buf)))
	}
	return buf, nil
}

// noEOF replaces io.EOF for a file that ends before the end of the block.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// store writes a block into a directory.
func store(dir, name string, in io.Reader) error {
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	meta := binary.BigEndian.AppendUint16(nil, metaVersion)
	meta = append(meta, typeCRC32C)
	meta = binary.BigEndian.AppendUint32(meta, chunkLen)
	for start := 0; start < len(data); start += chunkLen {
		chunk := data[start:min(start+chunkLen, len(data))]
		meta = binary.BigEndian.AppendUint32(meta, crc32.Checksum(chunk, castagnoli))
	}
	if err := os.WriteFile(filepath.Join(dir, name+".data"), data, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".meta"), meta, 0o600)
}
