//go:build !linux

package fdpass

import "errors"

// errSystem is what every call returns that is given a connection.
var errSystem = errors.ErrUnsupported

func checkUnix(fd int) error              { return errors.ErrUnsupported }
func getsockopt(fd, opt int) (int, error) { return 0, errors.ErrUnsupported }
func setsockopt(fd, opt, value int) error { return errors.ErrUnsupported }
func blocks(fd int) bool                  { return false }
func closeFDs(fds []int) error            { return nil }
func closeFD(fd int) error                { return nil }

func peerCredentials(fd int) (Credentials, error) {
	return Credentials{}, errors.ErrUnsupported
}
