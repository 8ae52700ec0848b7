//go:build unix

package closer

import "syscall"

// isSocket reports whether fd is a socket of any family.
func isSocket(fd int) bool {
	_, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	return err == nil
}

// stopLinger makes the close of a TCP socket one that does not wait. The kernel
// goes on sending the data.
func stopLinger(fd int) {
	syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{})
}

func closeFD(fd int) { syscall.Close(fd) }
