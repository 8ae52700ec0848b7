//go:build !linux

package rawmsg

import "errors"

// Recvmsg is for Linux alone; it returns [errors.ErrUnsupported].
func Recvmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// Sendmsg is for Linux alone; it returns [errors.ErrUnsupported].
func Sendmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// Recvmmsg is for Linux alone; it returns [errors.ErrUnsupported].
func Recvmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}

// Sendmmsg is for Linux alone; it returns [errors.ErrUnsupported].
func Sendmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return 0, errors.ErrUnsupported
}
