// Package closer closes descriptors that a peer has sent and that nobody wants,
// in such a way that the peer does not decide how long that takes.
//
// It is the last close(2) of a TCP socket that waits: for the data that have not
// been sent, for as long as SO_LINGER says; socket(7). A Unix socket can hold such
// a socket in its queue. No other descriptor of this kind is known that does not
// belong to a file system or to a terminal.
package closer

// Limit is how many closes may wait at the same time. Each of them holds a
// thread.
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
