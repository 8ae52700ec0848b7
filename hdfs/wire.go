package shortcircuit

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
)

// The messages of HDFS's data transfer protocol are protocol buffers with a
// length before them. They have few fields, so this file has all that is needed of
// protocol buffers.
// https://protobuf.dev/programming-guides/encoding/

// The wire types.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

// field is one field of a message. The bytes are a part of the message.
type field struct {
	num   uint64
	n     uint64 // of wireVarint, wire64 and wire32
	bytes []byte // of wireBytes
}

// fields returns those of a message. The pair with an error is the last one.
func fields(b []byte) iter.Seq2[field, error] {
	return func(yield func(field, error) bool) {
		for len(b) > 0 {
			f, size, err := parseField(b)
			if !yield(f, err) || err != nil {
				return
			}
			b = b[size:]
		}
	}
}

// parseField parses the first field of b, which takes size bytes.
func parseField(b []byte) (f field, size int, err error) {
	tag, size := binary.Uvarint(b)
	if size <= 0 || tag>>3 == 0 {
		return f, 0, errProtocol("a field without a tag")
	}
	f.num = tag >> 3
	rest := b[size:]
	switch tag & 7 {
	case wireVarint:
		n, k := binary.Uvarint(rest)
		if k <= 0 {
			return f, 0, errProtocol("field %d: a bad varint", f.num)
		}
		f.n = n
		return f, size + k, nil
	case wire64:
		if len(rest) >= 8 {
			f.n = binary.LittleEndian.Uint64(rest)
			return f, size + 8, nil
		}
	case wire32:
		if len(rest) >= 4 {
			f.n = uint64(binary.LittleEndian.Uint32(rest))
			return f, size + 4, nil
		}
	case wireBytes:
		n, k := binary.Uvarint(rest)
		if k > 0 && n <= uint64(len(rest)-k) {
			f.bytes = rest[k:][:n]
			return f, size + k + int(n), nil
		}
	default:
		return f, 0, errProtocol("field %d: wire type %d", f.num, tag&7)
	}
	return f, 0, errProtocol("field %d is longer than its message", f.num)
}

func appendUint(b []byte, num, n uint64) []byte {
	b = binary.AppendUvarint(b, num<<3|wireVarint)
	return binary.AppendUvarint(b, n)
}

func appendBytes[T string | []byte](b []byte, num uint64, v T) []byte {
	b = binary.AppendUvarint(b, num<<3|wireBytes)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

func appendFixed64(b []byte, num, n uint64) []byte {
	b = binary.AppendUvarint(b, num<<3|wire64)
	return binary.LittleEndian.AppendUint64(b, n)
}

func appendFixed32(b []byte, num uint64, n uint32) []byte {
	b = binary.AppendUvarint(b, num<<3|wire32)
	return binary.LittleEndian.AppendUint32(b, n)
}

// appendMessage appends a message with its length before it.
func appendMessage(b, message []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(message)))
	return append(b, message...)
}

// maxMessage is more than a DataNode sends: its longest answers have a text that
// explains an error.
const maxMessage = 1 << 20

// readMessage reads a message that has its length before it.
func readMessage(r *bufio.Reader) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > maxMessage {
		return nil, errProtocol("a message of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("a message of %d bytes: %w", n, noEOF(err))
	}
	return b, nil
}

// noEOF makes io.EOF in the middle of something io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
