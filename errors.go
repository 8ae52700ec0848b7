package fdpass

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"example.com/fdpass/internal/cmsg"
)

// What a caller can test for with errors.Is. Errors of system calls are
// [*os.SyscallError], with the call's name and the errno.
var (
	// ErrTruncated: the peer sent more descriptors than were asked for, or
	// more of something else than there was room for, or the descriptor table
	// had no place for them (MSG_CTRUNC). What came has been closed. The cause
	// matches as well: EMFILE for a full table, ErrMalformed, or the errno in
	// the place of a descriptor.
	ErrTruncated = errors.New("fdpass: control messages truncated")

	// ErrPayloadTruncated: a datagram or seqpacket message was longer than the
	// buffer, and the kernel has dropped the rest of it (MSG_TRUNC).
	ErrPayloadTruncated = errors.New("fdpass: payload truncated")

	// ErrCount: the message brought fewer or more descriptors than the caller
	// wants, who said exactly how many. More are ErrTruncated, too.
	ErrCount = errors.New("fdpass: not the number of descriptors that was asked for")

	// ErrTooManyFDs: more than [rawmsg.SCM_MAX_FD] descriptors to send in one
	// message, or more held by a [Stream] than its limit.
	ErrTooManyFDs = errors.New("fdpass: too many descriptors")

	// ErrNoPayload: descriptors or credentials to send without a byte of payload
	// on a stream, where the kernel would drop them, or an empty buffer to
	// receive into on a stream, where "nothing" and the end look the same.
	ErrNoPayload = errors.New("fdpass: a stream socket needs at least one byte of payload")

	// ErrNotUnix: the socket is not a Unix-domain socket, and would take the
	// descriptors and drop them.
	ErrNotUnix = errors.New("fdpass: not a Unix-domain socket")

	// ErrMalformed: a control message whose length is not possible.
	ErrMalformed = cmsg.ErrMalformed

	// ErrNoPIDFD: the message brought no pidfd.
	ErrNoPIDFD = errors.New("fdpass: no pidfd in the message")
)

// The text of a truncation says why, and for a full table EMFILE, so that a
// server can wait, as it does when accept fails with it.
var (
	errNoRoom  = fmt.Errorf("%w: more than there was room for", ErrTruncated)
	errNoPlace = fmt.Errorf("%w: no place in the descriptor table: %w", ErrTruncated, syscall.EMFILE)
)

// surplusError is a message with more descriptors than the caller allows.
type surplusError struct{ max int }

func (e *surplusError) Error() string {
	return fmt.Sprintf("%v: more descriptors than the %d allowed", ErrTruncated, e.max)
}
func (e *surplusError) Unwrap() error { return ErrTruncated }

// countError is a message with another number of descriptors than the caller
// wants.
type countError struct {
	want, got, payload int
	err                error // why, or nil
}

func errCount(want, got, payload int) error {
	return &countError{want: want, got: got, payload: payload}
}

func (e *countError) Error() string {
	got := fmt.Sprint(e.got)
	if e.err != nil {
		got = "more"
	}
	return fmt.Sprintf("fdpass: want %d descriptors, got %s with %d bytes of payload", e.want, got, e.payload)
}

func (e *countError) Is(target error) bool { return target == ErrCount }
func (e *countError) Unwrap() error        { return e.err }

// errNotCalled is a [syscall.Conn] that does not do what its documentation says.
var errNotCalled = errors.New("fdpass: the connection returned without a call")

// errArgument is a caller's mistake: EINVAL, as the kernel would say.
func errArgument(format string, args ...any) error {
	return fmt.Errorf("fdpass: %s: %w", fmt.Sprintf(format, args...), syscall.EINVAL)
}

// errLinux is something that this package can do only on Linux.
func errLinux(what string) error {
	return fmt.Errorf("fdpass: %s on %s: %w", what, runtime.GOOS, errors.ErrUnsupported)
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
