package fdpass

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"example.com/fdpass/internal/cmsg"
)

// What a caller can test for with errors.Is. Errors of system calls are
// [*os.SyscallError], which carry the call's name and the errno.
var (
	// ErrTruncated: the peer sent more descriptors than were asked for, or
	// more of something else than there was room for, or the descriptor table
	// had no place for them (MSG_CTRUNC). What came has been closed.
	ErrTruncated = errors.New("fdpass: control messages truncated")

	// ErrPayloadTruncated: a datagram or seqpacket message was longer than the
	// buffer, and the kernel has dropped the rest of it (MSG_TRUNC).
	ErrPayloadTruncated = errors.New("fdpass: payload truncated")

	// ErrTooManyFDs: more than [MaxFDs] descriptors to send in one message, or
	// more received on a [Stream] than its limit.
	ErrTooManyFDs = errors.New("fdpass: too many descriptors")

	// ErrNoPayload: descriptors or credentials to send without a byte of payload
	// on a stream, where the kernel would drop them, or an empty buffer to receive into on a
	// stream, where "nothing" and the end could not be told apart.
	ErrNoPayload = errors.New("fdpass: a stream socket needs at least one byte of payload")

	// ErrNotUnix: the socket is not a Unix-domain socket, and would take the
	// descriptors and drop them.
	ErrNotUnix = errors.New("fdpass: not a Unix-domain socket")

	// ErrMalformed: a control message whose length is not possible.
	ErrMalformed = cmsg.ErrMalformed

	// ErrNoPIDFD: the message brought no pidfd.
	ErrNoPIDFD = errors.New("fdpass: no pidfd in the message")
)

// Why a message is truncated is told in the text, and for a full table by
// EMFILE, so that a server can wait as it does when accept fails with it.
var (
	errSurplus = fmt.Errorf("%w: more than there was room for", ErrTruncated)
	errMissing = fmt.Errorf("%w: no place in the descriptor table: %w", ErrTruncated, syscall.EMFILE)
)

// errArgument is a caller's mistake: EINVAL, as the kernel would say.
func errArgument(format string, args ...any) error {
	return fmt.Errorf("fdpass: %s: %w", fmt.Sprintf(format, args...), syscall.EINVAL)
}

// errOption is a socket option that could not be set or read. One that the
// kernel does not know, or not for this kind of socket, is
// [errors.ErrUnsupported] as well.
func errOption(call, name, since string, err error) error {
	unknown := errors.Is(err, syscall.ENOPROTOOPT) || errors.Is(err, syscall.EOPNOTSUPP)
	err = os.NewSyscallError(call+" "+name, err)
	if unknown {
		return fmt.Errorf("fdpass: %w here, since it needs %s: %w", errors.ErrUnsupported, since, err)
	}
	return fmt.Errorf("fdpass: %w", err)
}
