package fdpass

import "os"

// CloseFDs closes descriptors and returns the first error. All of them are closed
// whatever close(2) returns. It may wait as long as close(2) does: the last
// descriptor of a socket that lingers, of a terminal or of a file on a network or
// FUSE file system can take as long as its owner likes.
func CloseFDs(fds []int) error { return closeFDs(fds) }

// background is how many descriptors can wait for their close(2) at the same
// time without anybody waiting for them.
const background = 32

var closing = make(chan struct{}, background)

// closeUnwanted closes descriptors that came and that nobody asked for. The
// peer decides how long the close(2) of a socket takes, by SO_LINGER and unsent
// data, so sockets are closed by a goroutine of their own, as long as there are
// not too many of these. Everything else is closed when closeUnwanted returns.
func closeUnwanted(fds []int) {
	for _, fd := range fds {
		if !isSocket(fd) {
			closeFD(fd)
			continue
		}
		select {
		case closing <- struct{}{}:
			go func() {
				closeFD(fd)
				<-closing
			}()
		default:
			closeFD(fd)
		}
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
