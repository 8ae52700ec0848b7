package fdpass

import (
	"bytes"
	"slices"
	"syscall"
	"time"

	"example.com/fdpass/internal/cmsg"
	"example.com/fdpass/rawmsg"
)

// Credentials identify a process: struct ucred, the data of SCM_CREDENTIALS;
// unix(7). The kernel has checked them. They are numbers in the receiver's PID and
// user namespaces.
type Credentials struct {
	PID int32 // 0 if the process has no number in the receiver's namespace
	UID uint32
	GID uint32
}

// Rights appends the descriptors of an SCM_RIGHTS message to dst. It appends nothing
// if c is any other message. A negative number is not a descriptor: it is left out,
// and the error is the errno that it stands for. If the data are not a whole number
// of ints, the error is [ErrMalformed], and the whole ones have been appended.
//
// If the buffer came from recvmsg(2), the caller closes the descriptors. If it came
// from a [Message], they belong to the Message.
func (c Control) Rights(dst []int) ([]int, error) {
	if c.Level == rawmsg.SOL_SOCKET && c.Type == rawmsg.SCM_RIGHTS { // is(rawmsg.SCM_RIGHTS) takes 5 ns more
		return appendRights(dst, c.Data)
	}
	return dst, nil
}

// appendRights is Rights for the data of an SCM_RIGHTS message.
func appendRights(dst []int, data []byte) ([]int, error) {
	if len(data) == intLen && intAt(data) >= 0 { // nearly every message; worth 5 ns
		return append(dst, intAt(data)), nil
	}
	start := len(dst)
	dst, or := appendInts(dst, data)
	if or < 0 || len(data)%intLen != 0 {
		return dropErrnos(dst, start, len(data))
	}
	return dst, nil
}

// appendInts appends the whole ints of data to dst, and returns their bitwise or,
// which is negative if one of them is.
func appendInts(dst []int, data []byte) (all []int, or int) {
	start, n := len(dst), len(data)/intLen
	all = slices.Grow(dst, n)[:start+n]
	return all, getInts(all[start:], data)
}

// dropErrnos leaves the negative numbers from start on out, and returns the
// errno that the last of them stands for, or ErrMalformed if the numbers were not
// whole ints of dataLen bytes.
func dropErrnos(fds []int, start, dataLen int) (kept []int, err error) {
	kept = fds[:start]
	for _, fd := range fds[start:] {
		if fd < 0 {
			err = syscall.Errno(-fd)
			continue
		}
		kept = append(kept, fd)
	}
	if dataLen%intLen != 0 {
		err = ErrMalformed
	}
	return kept, err
}

// Credentials returns what an SCM_CREDENTIALS message says about the sender. For any
// other message, and for one that is too short, ok is false.
func (c Control) Credentials() (cred Credentials, ok bool) {
	if !c.is(rawmsg.SCM_CREDENTIALS) || len(c.Data) < 12 {
		return Credentials{}, false
	}
	return Credentials{int32(c.uint32At(0)), c.uint32At(4), c.uint32At(8)}, true
}

// PIDFD returns the descriptor of an SCM_PIDFD message. If the kernel could not make
// one, the error is an errno: EMFILE if the descriptor table was full, and before
// Linux 6.17 ESRCH or EINVAL if the sender had ended. For any other message the
// error is [ErrNoPIDFD]. The owner of the descriptor is the same as for
// [Control.Rights].
func (c Control) PIDFD() (fd int, err error) {
	if !c.is(rawmsg.SCM_PIDFD) || len(c.Data) < 4 {
		return -1, ErrNoPIDFD
	}
	if fd := int32(c.uint32At(0)); fd < 0 {
		return -1, syscall.Errno(-fd)
	} else {
		return int(fd), nil
	}
}

// SecurityLabel returns the security label of an SCM_SECURITY message, without
// the NUL that may end it. For any other message ok is false.
func (c Control) SecurityLabel() (label string, ok bool) {
	if !c.is(rawmsg.SCM_SECURITY) {
		return "", false
	}
	return string(bytes.TrimRight(c.Data, "\x00")), true
}

// QueuedBytes returns the number of bytes that were left in the socket's queue, from
// an SCM_INQ message. For any other message ok is false.
func (c Control) QueuedBytes() (n int, ok bool) {
	if !c.is(rawmsg.SCM_INQ) || len(c.Data) < 4 {
		return 0, false
	}
	return int(int32(c.uint32At(0))), true
}

// Timestamp returns when the kernel took the message from the sender. It reads all
// four forms that SO_TIMESTAMP and SO_TIMESTAMPNS have: microseconds or nanoseconds,
// in longs (the old ones) or in 64-bit numbers (the new ones); socket(7). For any
// other message ok is false.
func (c Control) Timestamp() (t time.Time, ok bool) {
	if c.Level != rawmsg.SOL_SOCKET {
		return time.Time{}, false
	}
	unit, long := int64(time.Nanosecond), cmsg.Native.Word
	switch c.Type {
	case rawmsg.SCM_TIMESTAMP:
		unit = int64(time.Microsecond)
	case rawmsg.SCM_TIMESTAMP_NEW:
		unit, long = int64(time.Microsecond), 8
	case rawmsg.SCM_TIMESTAMPNS:
	case rawmsg.SCM_TIMESTAMPNS_NEW:
		long = 8
	default:
		return time.Time{}, false
	}
	if len(c.Data) < 2*long {
		return time.Time{}, false
	}
	return time.Unix(c.longAt(0, long), c.longAt(long, long)*unit), true
}

// longAt reads a signed number of 4 or 8 bytes at byte i.
func (c Control) longAt(i, size int) int64 {
	if size == 8 {
		return int64(cmsg.Native.Uint64(c.Data[i:]))
	}
	return int64(int32(c.uint32At(i)))
}
