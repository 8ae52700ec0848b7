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

// Close closes fd. If it is a socket, a goroutine closes it, and Close does not
// wait. If Limit of these are waiting already, Close first switches SO_LINGER off,
// which the sender of the socket could have done as well, and then closes it
// itself.
func Close(fd int) {
	if !isSocket(fd) {
		closeFD(fd)
		return
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
}

// Drain waits until everything that was given to Close has been closed. Tests that
// count descriptors need it.
func Drain() {
	for range Limit {
		waiting <- struct{}{}
	}
	for range Limit {
		<-waiting
	}
}

// Waiting is how many closes are waiting now.
func Waiting() int { return len(waiting) }
