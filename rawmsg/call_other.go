//go:build !linux

package rawmsg

import (
	"errors"
	"syscall"
)

// Recvmsg works only on Linux. Here it returns [errors.ErrUnsupported].
func Recvmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// Sendmsg works only on Linux. Here it returns [errors.ErrUnsupported].
func Sendmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// Recvmmsg works only on Linux. Here it returns [errors.ErrUnsupported].
func Recvmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// Sendmmsg works only on Linux. Here it returns [errors.ErrUnsupported].
func Sendmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// Getsockopt works only on Linux. Here it returns [errors.ErrUnsupported].
func Getsockopt(fd, level, opt int, value []byte) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// RecvmsgOnce works only on Linux. Here it returns ENOSYS.
func RecvmsgOnce(fd int, msg *Msghdr, flags int) (n int, errno syscall.Errno) {
	return 0, syscall.ENOSYS
}

// SendmsgOnce works only on Linux. Here it returns ENOSYS.
func SendmsgOnce(fd int, msg *Msghdr, flags int) (n int, errno syscall.Errno) {
	return 0, syscall.ENOSYS
}

// HungUp works only on Linux. Here it returns [errors.ErrUnsupported].
func HungUp(fd int) (bool, error) { return false, errors.ErrUnsupported }

// Queued works only on Linux. Here it returns [errors.ErrUnsupported].
func Queued(fd int) (int, error) { return 0, errors.ErrUnsupported }
