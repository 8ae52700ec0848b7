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
// close_range(2), Linux 5.9, which reports no error: neither EBADF for a number
// that is not open nor EIO for a file. A program that needs these errors calls
// [syscall.Close] for each number.
func CloseFDs(fds []int) error { return closeFDs(fds) }

// closeUnwanted closes descriptors that came and that nobody asked for. When it
// returns, all of them that are not sockets have been closed; package closer says
// why a socket may be closed later. The contents of the slice are lost.
func closeUnwanted(fds []int) {
	rest := fds[:0]
	for _, fd := range fds {
		if !closer.CloseSocket(fd) {
			rest = append(rest, fd)
		}
	}
	closeFDs(rest)
}

// newFiles makes files of descriptors, which the files own. The names are those
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

// newFile makes a file of fd, the descriptor at index i of a message.
func newFile(fd, i int, names []string) *os.File {
	if i < len(names) {
		return os.NewFile(uintptr(fd), names[i])
	}
	return os.NewFile(uintptr(fd), "fdpass")
}
