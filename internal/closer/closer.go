// Package closer closes descriptors that a peer has sent and that nobody wants. The
// peer cannot decide how long that takes.
//
// The last close(2) of a TCP socket may wait until its data have been sent, for as
// long as SO_LINGER says; socket(7). A Unix socket may have such a socket in its
// queue. Apart from sockets, files of some file systems and terminals are the only
// descriptors known to wait in close(2).
package closer

// Limit is how many closes may wait at the same time. Each of them occupies a thread.
const Limit = 32

var waiting = make(chan struct{}, Limit)

// CloseSocket closes fd if it is a socket, and reports whether it is: anything else
// is left to the caller, who may have many to close at once. A goroutine closes the
// socket, and CloseSocket does not wait. If Limit of these are waiting already, it
// first switches SO_LINGER off, which the sender of the socket could have done as
// well, and then closes the socket itself.
func CloseSocket(fd int) bool {
	if !isSocket(fd) {
		return false
	}
	select {
	case waiting <- struct{}{}:
		go func() {
			closeFD(fd)
			<-waiting
		}()
	default:
		stopLinger(fd)
		closeFD(fd)
	}
	return true
}

// Drain waits until everything that was given to CloseSocket has been closed. Tests that
// count descriptors need it.
func Drain() {
	for range Limit {
		waiting <- struct{}{}
	}
	for range Limit {
		<-waiting
	}
}

// Waiting returns how many closes are waiting now.
func Waiting() int { return len(waiting) }
