package fdpass

import (
	"syscall"

	"example.com/fdpass/rawmsg"
)

// call makes the system call. A connection that calls it again after it was done
// gets no second message, whose descriptors would take the place of the first.
func (r *Receiver) call(fd uintptr) (done bool) {
	if r.err == nil {
		return true
	}
	r.n, r.err = rawmsg.Recvmsg(int(fd), &r.hdr, r.flags|r.end.wait)
	return r.err != syscall.EAGAIN || !r.end.waits(r.flags)
}

// push makes the system call, on a stream until everything has been sent. A
// connection that calls it again after it was done sends nothing twice.
func (s *Sender) push(fd uintptr) (done bool) {
	if s.err == nil {
		return true
	}
	for {
		n, err := rawmsg.Sendmsg(int(fd), &s.hdr, s.flags|s.end.wait)
		if err != nil {
			s.err = err
			return err != syscall.EAGAIN || !s.end.waits(s.flags)
		}
		s.err = nil
		s.sent += n
		if s.sent >= s.length {
			return true
		}
		s.advance()
	}
}

// What follows is called less often. The compiler does not inline these functions.

func recvmsg(fd int, h *msghdr, flags int) (n int, err error) { return rawmsg.Recvmsg(fd, h, flags) }

func recvmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	return rawmsg.Recvmmsg(fd, msgs, flags)
}

func sendmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	return rawmsg.Sendmmsg(fd, msgs, flags)
}
