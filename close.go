package fdpass

import (
	"os"

	"example.com/fdpass/internal/closer"
)

// CloseFDs closes descriptors and returns the first error. All of them are closed
// whatever close(2) returns. It may wait as long as close(2) does: the last
// descriptor of a socket that lingers, of a terminal or of a file on a network or
// FUSE file system can take as long as its owner likes.
func CloseFDs(fds []int) error { return closeFDs(fds) }

// closeUnwanted closes descriptors that came and that nobody asked for. Those that
// are not sockets are closed when it returns; package closer says why sockets may
// be closed later.
func closeUnwanted(fds []int) {
	for _, fd := range fds {
		closer.Close(fd)
	}
}

// closeFDs closes descriptors and returns the first error. Their numbers are
// free whatever close(2) returns.
func closeFDs(fds []int) (err error) {
	for _, fd := range fds {
		if cerr := closeFD(fd); err == nil {
			err = cerr
		}
	}
	return err
}

// newFiles makes files of descriptors. The files own them. The names are those
// of the first files; the others are called "fdpass".
func newFiles(fds []int, names []string) []*os.File {
	if len(fds) == 0 {
		return nil
	}
	files := make([]*os.File, len(fds))
	for i, fd := range fds {
		name := "fdpass"
		if i < len(names) {
			name = names[i]
		}
		files[i] = os.NewFile(uintptr(fd), name)
	}
	return files
}
