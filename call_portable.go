//go:build darwin || dragonfly || freebsd || netbsd || openbsd || (linux && fdpass_portable)

package fdpass

import (
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

func (r *Receiver) recv(p []byte, max, flags int) (m *Message, err error) {
	if err := r.prepare(p, flags); err != nil {
		return nil, err
	}
	if flags&rawmsg.MSG_DONTWAIT != 0 && !r.end.bare {
		err = r.end.once(r.tryOnce)
	} else {
		err = r.end.read(r.try)
	}
	if r.err == nil { // a message came, whatever else the connection says
		return r.finish(max, err)
	}
	if err == nil {
		err = os.NewSyscallError("recvmsg", r.err)
	}
	return nil, err
}

func openLater(fd int) (endpoint, error) { return openSocket(fd) }

func (r *Receiver) newTry() func(fd uintptr) (done bool) {
	return func(fd uintptr) (done bool) {
		if r.err == nil { // the connection calls again, after it was done
			return true
		}
		r.n, r.err = recvmsg(int(fd), &r.hdr, r.flags|r.end.wait)
		return r.err != syscall.EAGAIN || !r.end.waits(r.flags)
	}
}

func (s *Sender) send(out *Outgoing, flags int) (n int, err error) {
	if err := out.check(&s.end); err != nil {
		return 0, err
	}
	if len(out.Files) > 0 {
		return s.sendFiles(*out, flags)
	}
	if err := s.prepare(out, flags); err != nil {
		return 0, err
	}
	err = s.end.inTurn(s.flags, s.end.write(s.try), &s.err, s.try)
	s.payload, s.more = nil, nil
	if err == nil && s.err != nil {
		err = os.NewSyscallError("sendmsg", s.err)
	}
	return s.sent, err
}

func (s *Sender) newTry() func(fd uintptr) (done bool) {
	return func(fd uintptr) (done bool) {
		if s.err == nil { // the connection calls again, after it was done
			return true
		}
		if s.end.heldUp() != nil {
			s.err = errNotMyTurn
			return true
		}
		n, err := sendmsg(int(fd), &s.hdr, s.flags|s.end.wait)
		errno, _ := err.(syscall.Errno)
		return s.tried(int(fd), n, errno)
	}
}

// recvmsg receives a message, or looks at one. If the kernel has to do the waiting,
// recvmsg first waits for a message without taking it, so that the lock of receive,
// which keeps other goroutines from starting programs, is not held during the wait.
func recvmsg(fd int, h *msghdr, flags int) (n int, err error) {
	if flags&rawmsg.MSG_PEEK != 0 {
		return peek(fd, h, flags)
	}
	for {
		if flags&rawmsg.MSG_DONTWAIT == 0 {
			if _, err := peek(fd, h, 0); err != nil {
				return 0, err
			}
		}
		n, err = h.receive(fd)
		if err != syscall.EAGAIN || flags&rawmsg.MSG_DONTWAIT != 0 {
			return n, err
		} // somebody else has received the message
	}
}

// peek waits for the next message, and returns its length, 1 at most. There is no
// room for control messages, so the kernel makes no descriptors.
func peek(fd int, h *msghdr, flags int) (n int, err error) {
	var p [1]byte
	var got int
	for {
		n, _, got, _, err = syscall.Recvmsg(fd, p[:], nil, syscall.MSG_PEEK|waitFlag(flags))
		if n >= 0 { // the error is about the address
			h.Flags = linuxFlags(got)
			return n, nil
		}
		if err != syscall.EINTR {
			return 0, err
		}
	}
}

// recvmmsg receives messages one by one. As on Linux, it waits only for the
// first, and an error that ends a batch early is reported by the next call.
func recvmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	if err = msgs[0].later; err != nil {
		msgs[0].later = nil
		return 0, err
	}
	for n < len(msgs) {
		size, err := recvmsg(fd, &msgs[n].Hdr, flags)
		if err != nil && n == 0 {
			return 0, err
		}
		if err != nil {
			if err != syscall.EAGAIN {
				msgs[0].later = err
			}
			break
		}
		msgs[n].Len = uint32(size)
		flags |= rawmsg.MSG_DONTWAIT
		n++
	}
	return n, nil
}

// sendmmsg sends messages one by one. As on Linux, it stops at one that fails, or
// of which only a part was taken.
func sendmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	for i := range msgs {
		h := &msgs[i]
		size, err := sendmsg(fd, &h.Hdr, flags)
		if err != nil && i == 0 {
			return 0, err
		}
		if err != nil {
			return i, nil
		}
		h.Len = uint32(size)
		if size < len(h.Hdr.payload()) {
			return i + 1, nil
		}
	}
	return len(msgs), nil
}

// sendmsg sends a message by means of package syscall, which would add a byte of
// its own to descriptors without payload; see Outgoing.check.
func sendmsg(fd int, h *msghdr, flags int) (n int, err error) {
	var oob []byte
	for c := range ParseControls(h.control[:h.Controllen]) {
		fds, _ := appendInts(nil, c.Data) // sendmsg finds numbers that are no descriptors
		oob = append(oob, syscall.UnixRights(fds...)...)
	}
	var to syscall.Sockaddr
	if a := parseSockaddr(h.name, ""); a != nil {
		to = &syscall.SockaddrUnix{Name: a.Name}
	}
	p := h.payload()
	for {
		n, err = syscall.SendmsgN(fd, p, oob, to, noSignal|waitFlag(flags))
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// waitFlag returns the flag MSG_DONTWAIT of this system, if flags have that of Linux.
func waitFlag(flags int) int {
	if flags&rawmsg.MSG_DONTWAIT != 0 {
		return syscall.MSG_DONTWAIT
	}
	return 0
}

// linuxFlags returns the flags of a received message as Linux has them.
func linuxFlags(flags int) (linux int32) {
	if flags&syscall.MSG_TRUNC != 0 {
		linux |= rawmsg.MSG_TRUNC
	}
	if flags&syscall.MSG_CTRUNC != 0 {
		linux |= rawmsg.MSG_CTRUNC
	}
	return linux
}
