//go:build !fdpass_portable

package fdpass

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// errSystem is nil. On other systems it is the error of every call.
var errSystem error

const afUnix = syscall.AF_UNIX

// checkUnix returns [ErrNotUnix] for a socket that is not a Unix socket, and
// ENOTSOCK for something that is not a socket.
func checkUnix(fd int) error {
	family, err := rawmsg.SocketFamily(fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	if family != afUnix {
		return ErrNotUnix
	}
	return nil
}

func getsockopt(fd, opt int) (int, error) {
	return syscall.GetsockoptInt(fd, rawmsg.SOL_SOCKET, opt)
}

func setsockopt(fd, opt, value int) error {
	return syscall.SetsockoptInt(fd, rawmsg.SOL_SOCKET, opt, value)
}

func peerCredentials(fd int) (Credentials, error) {
	u, err := syscall.GetsockoptUcred(fd, rawmsg.SOL_SOCKET, rawmsg.SO_PEERCRED)
	if err != nil {
		return Credentials{}, os.NewSyscallError("getsockopt SO_PEERCRED", err)
	}
	return Credentials{u.Pid, u.Uid, u.Gid}, nil
}

func closeFD(fd int) error {
	if fd != int(int32(fd)) { // the kernel would cut the number to a C int
		return os.NewSyscallError("close", syscall.EBADF)
	}
	return os.NewSyscallError("close", syscall.Close(fd))
}

// noCloseRange is set if close_range(2) fails, because the kernel does not have it
// or because a filter of system calls forbids it.
var noCloseRange atomic.Bool

// closeRun closes the descriptors from first to last and reports whether it could.
// If it could not, it has closed none. On Android it does not try, since the filter
// of system calls there kills the process.
func closeRun(first, last int) bool {
	if runtime.GOOS == "android" || noCloseRange.Load() {
		return false
	}
	if rawmsg.CloseRange(uint(first), uint(last), 0) != nil {
		noCloseRange.Store(true)
		return false
	}
	return true
}

// socketpair makes two connected sockets that are close-on-exec.
func socketpair(typ int) (fds [2]int, err error) {
	fds, err = syscall.Socketpair(afUnix, typ|syscall.SOCK_CLOEXEC, 0)
	return fds, os.NewSyscallError("socketpair", err)
}

// newSocket makes a socket that is close-on-exec.
func newSocket(typ int) (fd int, err error) {
	return syscall.Socket(afUnix, typ|syscall.SOCK_CLOEXEC, 0)
}

// duplicate makes another descriptor of the same open file description. It is
// close-on-exec.
func duplicate(fd int) (int, error) {
	dup, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", errno)
	}
	return int(dup), nil
}
