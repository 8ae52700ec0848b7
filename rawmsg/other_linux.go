package rawmsg

import (
	"syscall"
	"unsafe"
)

// The calls in this file move no messages. Package syscall has no function for
// them.

// Getsockopt reads an option of fd into value and returns n, the number of bytes
// that the kernel wrote: getsockopt(2). The error is nil or a [syscall.Errno]. For
// SO_PEERSEC and SO_PEERGROUPS it is ERANGE if value is too short, and n is the
// length that they need.
func Getsockopt(fd, level, opt int, value []byte) (n int, err error) {
	size := uint32(len(value))
	// unsafe.Pointer rule 4: both are converted to uintptr in the argument list
	// of syscall.Syscall6, which keeps the objects alive and in their places.
	_, _, errno := syscall.Syscall6(sysGetsockopt, uintptr(fd), uintptr(level), uintptr(opt),
		uintptr(unsafe.Pointer(unsafe.SliceData(value))), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return int(size), errno
	}
	return int(size), nil
}

// SocketFamily returns the address family of a socket, which is AF_UNIX (1) for a
// Unix socket. It reads the first field of what getsockname(2) writes. That takes
// three quarters of the time of getsockopt(2) with SO_DOMAIN. The error is nil or a
// [syscall.Errno].
func SocketFamily(fd int) (family int, err error) {
	var name uint16   // sa_family, the first field of a struct sockaddr
	size := uint32(2) // the kernel writes no more
	// unsafe.Pointer rule 4, as above.
	_, _, errno := syscall.Syscall(sysGetsockname, uintptr(fd),
		uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, errno
	}
	return int(name), nil
}

// HungUp reports whether the peer of a connected socket will send no more, because
// it has closed or shut down its end: POLLRDHUP of ppoll(2). What it has sent before
// may still be in the queue. The error is nil or a [syscall.Errno].
func HungUp(fd int) (bool, error) {
	const rdHup = 0x2000 // POLLRDHUP of include/uapi/asm-generic/poll.h
	p := struct {        // struct pollfd of poll(2)
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: rdHup}
	var now syscall.Timespec
	// unsafe.Pointer rule 4, as above.
	_, _, errno := syscall.Syscall6(sysPpoll,
		uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	if errno != 0 && errno != syscall.EINTR { // EINTR: there was nothing to report
		return false, errno
	}
	return p.revents&rdHup != 0, nil
}

// Queued returns how many bytes a socket has received that nobody has read: SIOCINQ of
// unix(7). On a seqpacket socket these are the bytes of all messages. The error is nil
// or a [syscall.Errno].
func Queued(fd int) (int, error) {
	var n int32
	// unsafe.Pointer rule 4, as above.
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL,
		uintptr(fd), syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// MemfdCreate makes a file that exists only in memory and returns its descriptor,
// which the caller closes: memfd_create(2), Linux 3.17. /proc/PID/fd shows the name.
// Flags are MFD_CLOEXEC (1), MFD_ALLOW_SEALING (2) and others of
// include/uapi/linux/memfd.h. The error is nil or a [syscall.Errno].
func MemfdCreate(name string, flags int) (fd int, err error) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	// unsafe.Pointer rule 4, as above.
	r, _, errno := syscall.Syscall(sysMemfdCreate, uintptr(unsafe.Pointer(p)), uintptr(flags), 0)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// CloseRange closes all open descriptors from first to last, both included:
// close_range(2), Linux 5.9. Flags are 0, CLOSE_RANGE_UNSHARE (2) or
// CLOSE_RANGE_CLOEXEC (4) of include/uapi/linux/close_range.h. The kernel does not
// report an error of close(2). The error is nil or a [syscall.Errno]: ENOSYS on an
// older kernel, or the errno of a filter of system calls. Then none was closed.
func CloseRange(first, last uint, flags int) error {
	_, _, errno := syscall.Syscall(sysCloseRange, uintptr(first), uintptr(last), uintptr(flags))
	if errno != 0 {
		return errno
	}
	return nil
}

// PtraceSyscallInfo describes the system call at which the traced thread pid has
// stopped: PTRACE_GET_SYSCALL_INFO of ptrace(2), Linux 5.3. It writes a struct
// ptrace_syscall_info, or as much of it as fits, into info and returns how many
// bytes there are. The error is nil or a [syscall.Errno].
func PtraceSyscallInfo(pid int, info []byte) (n int, err error) {
	const getSyscallInfo = 0x420e // include/uapi/linux/ptrace.h
	// unsafe.Pointer rule 4, as above.
	r, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(pid), uintptr(len(info)),
		uintptr(unsafe.Pointer(unsafe.SliceData(info))), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
