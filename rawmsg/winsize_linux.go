package rawmsg

import (
	"syscall"
	"unsafe"
)

// Winsize returns how many rows and columns the terminal fd has: TIOCGWINSZ of
// ioctl_tty(2). A number that the terminal does not know is 0. The error is nil or a
// [syscall.Errno]: ENOTTY if fd is not a terminal.
func Winsize(fd int) (rows, columns int, err error) {
	var size struct{ row, col, xpixel, ypixel uint16 } // struct winsize
	// unsafe.Pointer rule 4: converted to uintptr in the argument list of
	// syscall.Syscall, which keeps the object alive and in its place.
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL,
		uintptr(fd), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, 0, errno
	}
	return int(size.row), int(size.col), nil
}
