package rawmsg

import (
	"syscall"
	"unsafe"
)

// The calls in this file move no messages. Package syscall has no function for
// them.

// Getsockopt reads an option of fd into value and returns how many bytes the
// kernel wrote: getsockopt(2). The error is nil or a [syscall.Errno]; with ERANGE,
// which SO_PEERSEC and SO_PEERGROUPS have for a value that is too short, n is the
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

// SocketFamily returns the address family of a socket, AF_UNIX (1) for a Unix
// socket: the first field of what getsockname(2) writes, which takes three quarters
// of the time that getsockopt(2) takes for SO_DOMAIN. The error is nil or a
// [syscall.Errno].
func SocketFamily(fd int) (family int, err error) {
	var name uint16 // the beginning of a struct sockaddr; the kernel writes no more than there is room for
	size := uint32(2)
	// unsafe.Pointer rule 4, as above.
	_, _, errno := syscall.Syscall(sysGetsockname, uintptr(fd), uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, errno
	}
	return int(name), nil
}

// MemfdCreate makes a file that exists only in memory and returns its descriptor,
// which the caller closes: memfd_create(2), Linux 3.17. The name is what
// /proc/PID/fd shows; flags are MFD_CLOEXEC (1), MFD_ALLOW_SEALING (2) and others
// of include/uapi/linux/memfd.h. The error is nil or a [syscall.Errno].
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
// CLOSE_RANGE_CLOEXEC (4) of include/uapi/linux/close_range.h. No error of a close
// is reported. The error is nil or a [syscall.Errno], and then none was closed:
// ENOSYS of an older kernel, or what a filter of system calls says.
func CloseRange(first, last uint, flags int) error {
	if _, _, errno := syscall.Syscall(sysCloseRange, uintptr(first), uintptr(last), uintptr(flags)); errno != 0 {
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
