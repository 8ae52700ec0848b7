package fdpass

import (
	"os"

	"example.com/fdpass/internal/closer"
)

// CloseFDs closes descriptors and returns the first error. All of them are closed
// whatever the error is. It may wait as long as close(2) does: the last descriptor
// of a socket that lingers, of a terminal or of a file on a network or FUSE file
// system can take as long as its owner likes.
//
// Where at least three numbers follow each other in fds, they are closed with one
// close_range(2), Linux 5.9, which reports no error: neither EBADF of a number
// that is not open nor EIO of a file. Who needs these errors calls
// [syscall.Close].
func CloseFDs(fds []int) error { return closeFDs(fds) }

// closeUnwanted closes descriptors that came and that nobody asked for. Those that
// are not sockets are closed when it returns; package closer says why sockets may
// be closed later. The slice is used up.
func closeUnwanted(fds []int) {
	rest := fds[:0]
	for _, fd := range fds {
		if !closer.CloseSocket(fd) {
			rest = append(rest, fd)
		}
	}
	closeFDs(rest)
}

// newFiles makes files of descriptors. The files own them. The names are those
// of the first files; the others are called "fdpass".
func newFiles(fds []int, names []string) []*os.File {
	if len(fds) == 0 {
		return nil
	}
	files := make([]*os.File, len(fds))
	for i, fd := range fds {
		files[i] = newFile(fd, i, names)
	}
	return files
}

// newFile makes file i of a message.
func newFile(fd, i int, names []string) *os.File {
	if i < len(names) {
		return os.NewFile(uintptr(fd), names[i])
	}
	return os.NewFile(uintptr(fd), "fdpass")
}
