package rawmsg

import (
	"syscall"
	"unsafe"
)

// Readlinkat reads the symbolic link name of the directory dirfd into buf and
// returns the number of bytes, at most len(buf): readlinkat(2). If the link is
// longer than buf, the rest is missing. The error is nil or a [syscall.Errno].
func Readlinkat(dirfd int, name string, buf []byte) (n int, err error) {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	// unsafe.Pointer rule 4: both are converted to uintptr in the argument list
	// of syscall.Syscall6, which keeps the objects alive and in their places.
	r, _, errno := syscall.Syscall6(syscall.SYS_READLINKAT, uintptr(dirfd), uintptr(unsafe.Pointer(p)),
		uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
