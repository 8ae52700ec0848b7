package fdpass

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"

	"example.com/fdpass/rawmsg"
)

// Outgoing is a message to send. Everything in it stays the caller's: the kernel
// duplicates the descriptors, and files stay open and as they are.
type Outgoing struct {
	// Payload may be empty, but not on a stream if there are descriptors or
	// credentials ([ErrNoPayload]).
	Payload []byte

	// More are further pieces of the payload, which follow Payload. There are at
	// most [rawmsg.UIO_MAXIOV] - 1 of them (EMSGSIZE).
	More [][]byte

	FDs   []int      // descriptors; together with Files at most [rawmsg.SCM_MAX_FD]
	Files []*os.File // their descriptors follow FDs; they are kept open during the call

	// Credentials are sent as SCM_CREDENTIALS, or nil. To send those of another
	// process needs privilege (EPERM); unix(7).
	Credentials *Credentials

	// To is where a datagram socket that is not connected sends the message, or
	// nil.
	To *net.UnixAddr
}

// check finds the mistakes that can be seen without a system call.
func (out *Outgoing) check(end *endpoint) error {
	if portable && out.Credentials != nil {
		return errLinux("sending credentials")
	}
	if out.controlLen() > 0 && out.payloadLen() == 0 {
		typ, err := end.kind()
		if err != nil {
			return err
		}
		if typ == rawmsg.SOCK_STREAM || portable { // package syscall would add a byte
			return ErrNoPayload
		}
	}
	return checkCount(len(out.FDs) + len(out.Files))
}

// checkCount compares the number of descriptors with the kernel's limit.
func checkCount(n int) error {
	if n > rawmsg.SCM_MAX_FD {
		const limit = rawmsg.SCM_MAX_FD
		return fmt.Errorf("%w: %d in one message, the limit is %d", ErrTooManyFDs, n, limit)
	}
	return nil
}

// payloadLen returns the length of the payload, in bytes.
func (out *Outgoing) payloadLen() int {
	n := len(out.Payload)
	for _, p := range out.More {
		n += len(p)
	}
	return n
}

// controlLen returns the length of the control messages, in bytes.
func (out *Outgoing) controlLen() int {
	n := out.credentialsLen()
	if fds := len(out.FDs) + len(out.Files); fds > 0 {
		n += CmsgSpace(intLen * fds)
	}
	return n
}

// credentialsLen returns the length of the first control message if that is
// credentials, and 0 otherwise.
func (out *Outgoing) credentialsLen() int {
	if out.Credentials == nil {
		return 0
	}
	return CmsgSpace(credentialsLen)
}

// appendControl appends the control messages. The credentials come first.
func (out *Outgoing) appendControl(b []byte) []byte {
	if c := out.Credentials; c != nil {
		var data [credentialsLen]byte
		binary.NativeEndian.PutUint32(data[0:], uint32(c.PID))
		binary.NativeEndian.PutUint32(data[4:], c.UID)
		binary.NativeEndian.PutUint32(data[8:], c.GID)
		b = AppendControl(b, rawmsg.SOL_SOCKET, rawmsg.SCM_CREDENTIALS, data[:])
	}
	if len(out.FDs) > 0 {
		b = AppendRights(b, out.FDs...)
	}
	return b
}

// appendName appends the address to send to.
func (out *Outgoing) appendName(b []byte) ([]byte, error) {
	if out.To == nil {
		return b, nil
	}
	return appendSockaddr(b, out.To)
}

// appendIovecs appends an Iovec for each piece of a payload, without the first
// skip bytes, which have been sent already. Empty pieces need none.
func appendIovecs(iovs []iovec, skip int, first []byte, more [][]byte) []iovec {
	for i := -1; i < len(more); i++ {
		p := first
		if i >= 0 {
			p = more[i]
		}
		if skip >= len(p) {
			skip -= len(p)
			continue
		}
		iovs = append(iovs, iovec{})
		setPiece(&iovs[len(iovs)-1], p[skip:])
		skip = 0
	}
	return iovs
}

// withFDs calls f with the descriptors of files, appended to fds. All of them
// stay open until f returns, even if another goroutine closes the files in the
// meantime. (*os.File).Fd would not do that, and would switch a nonblocking
// file to blocking.
func withFDs(files []*os.File, fds []int, f func(fds []int) error) error {
	if len(files) == 0 {
		return f(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return fmt.Errorf("fdpass: file to send: %w", err)
	}
	cerr := raw.Control(func(fd uintptr) {
		err = withFDs(files[1:], append(fds, int(fd)), f)
	})
	if cerr != nil {
		return fmt.Errorf("fdpass: file to send: %w", os.ErrClosed)
	}
	return err
}
