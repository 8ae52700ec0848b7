package fdpass

import (
	"os"
	"syscall"
)

// errSystem is what every call returns elsewhere.
var errSystem error

// checkUnix is [ErrNotUnix] for a socket that is not a Unix socket, and ENOTSOCK
// for what is no socket.
func checkUnix(fd int) error {
	domain, err := getsockopt(fd, soDomain)
	if err != nil {
		return os.NewSyscallError("getsockopt SO_DOMAIN", err)
	}
	if domain != afUnix {
		return ErrNotUnix
	}
	return nil
}

func getsockopt(fd, opt int) (int, error) {
	return syscall.GetsockoptInt(fd, SOL_SOCKET, opt)
}

func setsockopt(fd, opt, value int) error {
	return syscall.SetsockoptInt(fd, SOL_SOCKET, opt, value)
}

func peerCredentials(fd int) (Credentials, error) {
	u, err := syscall.GetsockoptUcred(fd, SOL_SOCKET, soPeerCred)
	if err != nil {
		return Credentials{}, os.NewSyscallError("getsockopt SO_PEERCRED", err)
	}
	return Credentials{u.Pid, u.Uid, u.Gid}, nil
}

// blocks tells whether a read from fd waits by itself, in the kernel.
func blocks(fd int) bool {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	return errno == 0 && flags&syscall.O_NONBLOCK == 0
}

// closeFDs closes descriptors and returns the first error. Their numbers are
// free whatever close(2) returns.
func closeFDs(fds []int) (err error) {
	for _, fd := range fds {
		if cerr := closeFD(fd); err == nil {
			err = cerr
		}
	}
	return err
}

func closeFD(fd int) error { return os.NewSyscallError("close", syscall.Close(fd)) }
