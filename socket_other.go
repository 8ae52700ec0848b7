//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package fdpass

import "errors"

// errSystem is the error of every call that is given a connection.
var errSystem = errors.ErrUnsupported

const afUnix = 1

func checkUnix(fd int) error              { return errors.ErrUnsupported }
func getsockopt(fd, opt int) (int, error) { return 0, errors.ErrUnsupported }
func setsockopt(fd, opt, value int) error { return errors.ErrUnsupported }
func closeFD(fd int) error                { return nil }
func closeRun(first, last int) bool       { return false }

func peerCredentials(fd int) (Credentials, error) {
	return Credentials{}, errors.ErrUnsupported
}

func socketpair(typ int) (fds [2]int, err error) { return fds, errors.ErrUnsupported }
func newSocket(typ int) (fd int, err error)      { return -1, errors.ErrUnsupported }
func duplicate(fd int) (int, error)              { return -1, errors.ErrUnsupported }
