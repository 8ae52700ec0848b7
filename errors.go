package fdpass

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"example.com/fdpass/internal/cmsg"
)

// A caller can test for these errors with [errors.Is]. Errors of system calls are
// [*os.SyscallError], with the call's name and the errno.
var (
	// ErrTruncated means that something of a message was lost (MSG_CTRUNC): the
	// peer sent more descriptors than were asked for, or more of something else
	// than there was room for, or the descriptor table was full. The descriptors
	// that came have been closed. The error also matches its cause: EMFILE for a
	// full table, ErrMalformed, or the errno in the place of a descriptor.
	ErrTruncated = errors.New("fdpass: control messages truncated")

	// ErrPayloadTruncated means that a datagram or seqpacket message was longer
	// than the buffer, and that the kernel has dropped the rest of it (MSG_TRUNC).
	ErrPayloadTruncated = errors.New("fdpass: payload truncated")

	// ErrCount means that the message brought fewer or more descriptors than the
	// caller asked for, in a call that asks for an exact number. If it brought
	// more, the error matches ErrTruncated, too.
	ErrCount = errors.New("fdpass: not the number of descriptors that was asked for")

	// ErrTooManyFDs means that a message to send has more than
	// [rawmsg.SCM_MAX_FD] descriptors, or that a [Stream] would hold more of them
	// than its limit.
	ErrTooManyFDs = errors.New("fdpass: too many descriptors")

	// ErrNoPayload means that a stream socket needs a byte of payload. Without
	// one, the kernel would drop the descriptors or credentials to send; and in
	// an empty buffer, "nothing came" and the end would look the same.
	ErrNoPayload = errors.New("fdpass: a stream socket needs at least one byte of payload")

	// ErrNotUnix means that the socket is not a Unix-domain socket. Such a socket
	// would accept the descriptors and drop them.
	ErrNotUnix = errors.New("fdpass: not a Unix-domain socket")

	// ErrMalformed means that a control message has an impossible length.
	ErrMalformed = cmsg.ErrMalformed

	// ErrNoPIDFD means that the message brought no pidfd.
	ErrNoPIDFD = errors.New("fdpass: no pidfd in the message")
)

// The text of a truncation says why something was lost. A full table matches
// EMFILE, so that a server can wait as it does when accept fails with EMFILE.
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

// countError says that a message has fewer or more descriptors than the caller
// wants.
type countError struct {
	want, got, payload int
	err                error // a surplusError if more came, or nil
}

func errCount(want, got, payload int) error {
	return &countError{want: want, got: got, payload: payload}
}

func (e *countError) Error() string {
	got := fmt.Sprint(e.got)
	if e.err != nil {
		got = "more"
	}
	const text = "fdpass: want %d descriptors, got %s with %d bytes of payload"
	return fmt.Sprintf(text, e.want, got, e.payload)
}

func (e *countError) Is(target error) bool { return target == ErrCount }
func (e *countError) Unwrap() error        { return e.err }

// errNotCalled means that a [syscall.Conn] does not do what it has to: it returned
// without having called the function that it was given.
var errNotCalled = errors.New("fdpass: the connection returned without a call")

// errArgument makes the error for a mistake of the caller: EINVAL, as the kernel
// would say.
func errArgument(format string, args ...any) error {
	return fmt.Errorf("fdpass: %s: %w", fmt.Sprintf(format, args...), syscall.EINVAL)
}

// errLinux makes the error for what this package can do only on Linux.
func errLinux(what string) error {
	return fmt.Errorf("fdpass: %s on %s: %w", what, runtime.GOOS, errors.ErrUnsupported)
}

// errOption makes the error for a socket option that could not be set or read. If
// the kernel does not know the option, or does not have it for this kind of socket,
// the error matches [errors.ErrUnsupported] as well.
func errOption(call, name, since string, err error) error {
	unknown := errors.Is(err, syscall.ENOPROTOOPT) || errors.Is(err, syscall.EOPNOTSUPP)
	err = os.NewSyscallError(call+" "+name, err)
	if unknown {
		return fmt.Errorf("fdpass: %w here, since it needs %s: %w", errors.ErrUnsupported, since, err)
	}
	return fmt.Errorf("fdpass: %w", err)
}
