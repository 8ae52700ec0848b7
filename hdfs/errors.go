package shortcircuit

import (
	"errors"
	"fmt"
)

// Status is what a DataNode answers to a request (Status in Hadoop's
// datatransfer.proto). Every status but StatusSuccess is an error: use
// [errors.Is] with it.
type Status uint64

// The statuses that a DataNode has.
const (
	StatusSuccess          Status = 0
	StatusError            Status = 1 // the block is unknown, deleted or has another generation stamp
	StatusErrorChecksum    Status = 2
	StatusErrorInvalid     Status = 3 // a slot was released before
	StatusErrorExists      Status = 4
	StatusErrorAccessToken Status = 5 // the token is missing, altered or has expired
	StatusChecksumOK       Status = 6
	StatusErrorUnsupported Status = 7 // the DataNode does not do short-circuit reads, or not in this version
	StatusOOBRestart       Status = 8
	StatusOOBReserved1     Status = 9
	StatusOOBReserved2     Status = 10
	StatusOOBReserved3     Status = 11
	StatusInProgress       Status = 12
	StatusErrorBlockPinned Status = 13
)

var statusNames = [...]string{"SUCCESS", "ERROR", "ERROR_CHECKSUM", "ERROR_INVALID", "ERROR_EXISTS",
	"ERROR_ACCESS_TOKEN", "CHECKSUM_OK", "ERROR_UNSUPPORTED", "OOB_RESTART", "OOB_RESERVED1",
	"OOB_RESERVED2", "OOB_RESERVED3", "IN_PROGRESS", "ERROR_BLOCK_PINNED"}

// Error returns the name of the status in datatransfer.proto.
func (s Status) Error() string {
	if s < Status(len(statusNames)) {
		return statusNames[s]
	}
	return fmt.Sprintf("status %d", uint64(s))
}

// ReplyError says that a DataNode has refused a request. It matches its Status with
// [errors.Is].
type ReplyError struct {
	Op      string // REQUEST_SHORT_CIRCUIT_FDS and the like
	Status  Status
	Message string // the DataNode's explanation, may be empty

	raw []byte // the answer as it came
}

func (e *ReplyError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("shortcircuit: %s: %v", e.Op, e.Status)
	}
	return fmt.Sprintf("shortcircuit: %s: %v: %s", e.Op, e.Status, e.Message)
}

// Unwrap returns the status.
func (e *ReplyError) Unwrap() error { return e.Status }

// ChecksumError says which chunk of a block does not have its checksum. It matches
// [ErrChecksum] with [errors.Is].
type ChecksumError struct {
	Block  Block
	Offset int64 // of the chunk, in the block
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("shortcircuit: block %d: wrong checksum at offset %d", e.Block.ID, e.Offset)
}

// Unwrap is [ErrChecksum].
func (e *ChecksumError) Unwrap() error { return ErrChecksum }

// The other errors of this package. What package net and the system return is
// wrapped: [os.ErrDeadlineExceeded], ECONNREFUSED, EMFILE and so on.
var (
	ErrChecksum = errors.New("wrong checksum")
	// ErrLength says that the block's file is not as long as the block: it has
	// grown, or it is still being written.
	ErrLength = errors.New("shortcircuit: the block's file has another length")
	// ErrProtocol says that a DataNode, or a client, does not keep to the
	// protocol.
	ErrProtocol = errors.New("shortcircuit: protocol error")
	// ErrMeta says that a block's meta file is damaged, or in a format that is
	// unknown here.
	ErrMeta = errors.New("shortcircuit: the block's meta file")

	errLeftAlone = errors.New("shortcircuit: the socket did not answer a short time ago")
)

func errProtocol(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrProtocol, fmt.Errorf(format, args...))
}
