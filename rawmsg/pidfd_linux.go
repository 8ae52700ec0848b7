package rawmsg

import "syscall"

// Since Linux 5.0 new system calls have the same numbers on every architecture,
// apart from an offset that some architectures have. Without it, close_range is 436.
const (
	sysPidfdOpen  = sysCloseRange - 436 + 434
	sysPidfdGetfd = sysCloseRange - 436 + 438
)

// PidfdOpen returns a descriptor of the process pid, which the caller closes:
// pidfd_open(2), Linux 5.3. It is close-on-exec. The error is nil or a
// [syscall.Errno].
func PidfdOpen(pid int) (fd int, err error) {
	r, _, errno := syscall.Syscall(sysPidfdOpen, uintptr(pid), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// PidfdGetfd returns a duplicate of the descriptor fd of another process, which
// the caller closes: pidfd_getfd(2), Linux 5.6. It is close-on-exec and shares the
// open file description, which stays open until the duplicate is closed, too.
// PidfdGetfd needs the right to trace the process. The error is nil or a
// [syscall.Errno].
func PidfdGetfd(pidfd, fd int) (int, error) {
	r, _, errno := syscall.Syscall(sysPidfdGetfd, uintptr(pidfd), uintptr(fd), 0)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}
