package shortcircuit

import (
	"os"
)

// The operations on a DataNode's socket (Op in Hadoop's DataTransferProtocol).
const (
	opReadBlock  = 0x51 // READ_BLOCK
	opRequestFDs = 0x57 // REQUEST_SHORT_CIRCUIT_FDS
	opRelease    = 0x58 // RELEASE_SHORT_CIRCUIT_FDS
	opRequestShm = 0x59 // REQUEST_SHORT_CIRCUIT_SHM
)

var opNames = map[byte]string{
	opReadBlock:  "READ_BLOCK",
	opRequestFDs: "REQUEST_SHORT_CIRCUIT_FDS",
	opRelease:    "RELEASE_SHORT_CIRCUIT_FDS",
	opRequestShm: "REQUEST_SHORT_CIRCUIT_SHM",
}

// transferVersion is the version of the data transfer protocol, 28 since 2011.
const transferVersion = 0x001c

// maxVersion is the newest layout of a block's files that this package knows. So far
// there is only this one.
const maxVersion = 1

// appendRequest appends a request: version, operation, length and message.
func appendRequest(b []byte, op byte, message []byte) []byte {
	b = append(b, transferVersion>>8, transferVersion&0xff, op)
	return appendMessage(b, message)
}

// requestFDs asks for the descriptors of a block's data and of its checksums. The
// caller owns both files. The slot may be nil.
func (c *conn) requestFDs(block Block, token Token, s *slot) (data, meta *os.File, err error) {
	var m []byte
	m = appendBytes(m, 1, appendHeader(nil, block, token))
	m = appendUint(m, 2, maxVersion)
	if s != nil {
		m = appendBytes(m, 3, s.message())
	}
	m = appendUint(m, 4, 1) // the client confirms that it has the descriptors
	if _, err := c.call(opRequestFDs, m); err != nil {
		return nil, nil, err
	}
	receipt, files, err := c.receiveFiles(2, "block", "checksums")
	if err != nil {
		return nil, nil, err
	}
	if receipt == 1 {
		if _, err := c.stream.Write([]byte{0}); err != nil {
			closeAll(files)
			return nil, nil, err
		}
	}
	return files[0], files[1], nil
}

// call sends a request and returns the answer, in which the status is field 1.
func (c *conn) call(op byte, message []byte) ([]byte, error) {
	if _, err := c.stream.Write(appendRequest(nil, op, message)); err != nil {
		return nil, err
	}
	answer, err := readMessage(c.r)
	if err != nil {
		return nil, err
	}
	c.settle(true)
	return answer, replyError(op, answer)
}

// replyError returns the error that an answer stands for.
func replyError(op byte, answer []byte) error {
	e := &ReplyError{Op: opNames[op], Status: StatusError, raw: answer}
	found := false
	for f, err := range fields(answer) {
		if err != nil {
			return err
		}
		switch {
		case f.num == 1:
			e.Status, found = Status(f.n), true
		case f.num == 5 && (op == opRequestFDs || op == opReadBlock), // BlockOpResponseProto
			f.num == 2 && (op == opRelease || op == opRequestShm):
			e.Message = string(f.bytes)
		}
	}
	if !found {
		return errProtocol("%s: an answer without a status", e.Op)
	}
	if e.Status == StatusSuccess {
		return nil
	}
	return e
}

// receiveFiles reads one byte and the n descriptors that come with it. The byte
// may already be in the buffer, read together with the answer before it.
func (c *conn) receiveFiles(n int, names ...string) (b byte, files []*os.File, err error) {
	if b, err = c.r.ReadByte(); err != nil {
		return 0, nil, noEOF(err)
	}
	files, err = c.stream.TakeFiles(c.stream.Offset()-int64(c.r.Buffered()), names...)
	if err != nil {
		return 0, nil, err
	}
	if len(files) != n {
		closeAll(files)
		return 0, nil, errProtocol("%d descriptors instead of %d", len(files), n)
	}
	for _, f := range files {
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			closeAll(files)
			return 0, nil, errProtocol("a descriptor that is not a regular file (%v)", err)
		}
	}
	return b, files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
