//go:build darwin || dragonfly || freebsd || netbsd || openbsd || (linux && fdpass_portable)

package fdpass

import (
	"errors"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

var errSystem error

const afUnix = 1 // in the form of Linux; see msghdr

// checkUnix returns [ErrNotUnix] for a socket that is not a Unix socket, and
// ENOTSOCK for something that is not a socket. Not all of these systems have
// SO_DOMAIN.
func checkUnix(fd int) error {
	name, err := syscall.Getsockname(fd)
	if err != nil && !errors.Is(err, syscall.EAFNOSUPPORT) {
		return os.NewSyscallError("getsockname", err)
	}
	if _, ok := name.(*syscall.SockaddrUnix); !ok {
		return ErrNotUnix
	}
	return nil
}

// getsockopt knows one option. Its value is the one that Linux has.
func getsockopt(fd, opt int) (int, error) {
	if opt != rawmsg.SO_TYPE {
		return 0, errors.ErrUnsupported
	}
	typ, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	switch typ {
	case syscall.SOCK_STREAM:
		typ = rawmsg.SOCK_STREAM
	case syscall.SOCK_DGRAM:
		typ = rawmsg.SOCK_DGRAM
	case syscall.SOCK_SEQPACKET:
		typ = rawmsg.SOCK_SEQPACKET
	}
	return typ, err
}

func setsockopt(fd, opt, value int) error { return errors.ErrUnsupported }

func peerCredentials(fd int) (Credentials, error) { return Credentials{}, errors.ErrUnsupported }

func newSocket(typ int) (fd int, err error) { return -1, errors.ErrUnsupported }

func closeRun(first, last int) bool { return false }

func closeFD(fd int) error {
	if fd != int(int32(fd)) { // the kernel would cut the number to a C int
		return os.NewSyscallError("close", syscall.EBADF)
	}
	return os.NewSyscallError("close", syscall.Close(fd))
}

func socketpair(typ int) (fds [2]int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err = syscall.Socketpair(syscall.AF_UNIX, typ, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	return fds, os.NewSyscallError("socketpair", err)
}

func duplicate(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	dup, err := syscall.Dup(fd)
	if err != nil {
		return -1, os.NewSyscallError("dup", err)
	}
	syscall.CloseOnExec(dup)
	return dup, nil
}
