//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd && !(linux && fdpass_portable)

package fdpass

import (
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// Each Go function that calls another one around a system call costs time, and so
// does a call through an interface. So the functions below call rawmsg's functions,
// which are inlined, and use function literals, since a method value would be one
// more call. That saves 70 ns for a bare descriptor and 40 ns for a connection
// (bench/notes.md).

// recv receives a message with at most max descriptors. The flags are 0,
// MSG_DONTWAIT for one try, or MSG_PEEK.
func (r *Receiver) recv(p []byte, max, flags int) (m *Message, err error) {
	if len(p) > 0 && r.isEmpty() {
		r.preparePlain(p, flags)
	} else if err := r.prepare(p, flags); err != nil {
		return nil, err
	}
	if r.end.bare {
		n, errno := rawmsg.RecvmsgOnce(r.end.fd, &r.hdr, r.flags|r.end.wait)
		if errno == 0 {
			r.n, r.err = n, nil
		} else {
			r.tried(r.end.fd, n, errno)
		}
		if r.end.later {
			err = r.ask()
		}
	} else if flags&rawmsg.MSG_DONTWAIT != 0 {
		err = r.end.once(r.tryOnce)
	} else {
		before := restores.Load()
		if err = r.end.raw.Read(r.try); err != nil {
			err = r.end.resume(reading, before, err, r.try)
		}
	}
	if r.err == nil { // a message came, whatever else the connection says
		if err == nil && r.finishPlain(max) {
			return &r.msg, nil
		}
		return r.finish(max, err)
	}
	if err == nil {
		err = os.NewSyscallError("recvmsg", r.err)
	}
	return nil, err
}

// isEmpty reports whether nothing has to be closed before the next message.
func (r *Receiver) isEmpty() bool { return len(r.msg.fds) == 0 && !r.msg.hasPIDFD && !r.closed }

// preparePlain does what prepare does, if there is nothing to close and nothing to
// ask the kernel for. It sets only what the last call has changed, which saves
// 20 ns.
func (r *Receiver) preparePlain(p []byte, flags int) {
	r.payload, r.flags, r.err = p, flags|rawmsg.MSG_CMSG_CLOEXEC, errNotCalled
	r.iov.Base, r.iov.Len = &p[0], uintptr(len(p))
	r.hdr.Namelen, r.hdr.Controllen, r.hdr.Flags = uint32(len(r.name)), uintptr(len(r.control)), 0
}

// finishPlain does what finish does, for a plain message: a complete one with one
// control message, which holds descriptors. Nearly all messages are plain. It
// reports whether this one is, and does nothing if it is not. That saves 35 ns:
// code that runs just after a system call is slow.
func (r *Receiver) finishPlain(max int) bool {
	m, h := r.msg.message, &r.hdr
	if r.n == 0 || r.name != nil || h.Flags&(rawmsg.MSG_TRUNC|rawmsg.MSG_CTRUNC) != 0 ||
		h.Controllen < headerLen+intLen || m.err != nil || m.pidfdErr != nil {
		return false
	}
	b := r.control[:h.Controllen]
	n := wordAt(b)
	if uintptr(CmsgAlign(int(n))) != h.Controllen || n%intLen != 0 || n > uint(CmsgLen(intLen*max)) ||
		intAt(b[wordLen:]) != rawmsg.SOL_SOCKET || intAt(b[wordLen+4:]) != rawmsg.SCM_RIGHTS {
		return false
	}
	fds, or := m.fds[:0], 0
	if n == headerLen+intLen {
		or = intAt(b[headerLen:])
		fds = append(fds, or)
	} else {
		fds, or = appendInts(fds, b[headerLen:n])
	}
	if or < 0 {
		return false
	}
	m.fds, m.payload, m.control, m.flags = fds, r.payload[:r.n], b, h.Flags
	return true
}

// openLater is openSocket for one receive. It does not ask the kernel whether fd is
// a Unix socket. The first try does not wait, and if descriptors come, fd is one.
// That saves a system call.
func openLater(fd int) (endpoint, error) {
	return endpoint{bare: true, fd: fd, later: true, wait: rawmsg.MSG_DONTWAIT}, checkNumber(fd)
}

// ask follows the first try after openLater. If no descriptors came, for whatever
// reason, it asks the kernel whether this is a Unix socket. If no message came, it
// waits for one.
func (r *Receiver) ask() error {
	r.end.later, r.end.wait = false, 0
	if r.err == nil && holdsRights(r.control[:min(uint(r.hdr.Controllen), uint(len(r.control)))]) {
		return nil
	}
	if err := checkUnix(r.end.fd); err != nil {
		return err
	}
	if r.err == syscall.EAGAIN {
		r.n, r.err = recvmsg(r.end.fd, &r.hdr, r.flags)
	}
	return nil
}

// newTry makes the function that a connection calls with its descriptor. It is made
// once for each Receiver, so that a receive allocates nothing.
func (r *Receiver) newTry() func(fd uintptr) (done bool) {
	return func(fd uintptr) (done bool) {
		if r.err == nil { // the connection calls again, after it was done
			return true
		}
		n, errno := rawmsg.RecvmsgOnce(int(fd), &r.hdr, r.flags|r.end.wait)
		if errno == 0 {
			r.n, r.err = n, nil
			return true
		}
		r.tried(int(fd), n, errno)
		return r.err != syscall.EAGAIN || !r.end.waits(r.flags)
	}
}

// send sends a message. The flags are 0, or MSG_DONTWAIT for one try.
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
	if s.end.bare {
		n, errno := rawmsg.SendmsgOnce(s.end.fd, &s.hdr, s.flags|s.end.wait)
		if errno == 0 && n == s.length {
			s.sent, s.err = n, nil
		} else {
			s.tried(s.end.fd, n, errno)
		}
	} else {
		before := restores.Load()
		if err = s.end.raw.Write(s.try); err != nil {
			err = s.end.resume(writing, before, err, s.try)
		}
		if unfinished.Load() != 0 || s.err == errNotMyTurn {
			err = s.end.inTurn(s.flags, err, &s.err, s.try)
		}
	}
	s.payload, s.more = nil, nil
	if err == nil && s.err != nil {
		err = os.NewSyscallError("sendmsg", s.err)
	}
	return s.sent, err
}

// newTry makes the function that a connection calls with its descriptor. It is made
// once for each Sender, so that a send allocates nothing.
func (s *Sender) newTry() func(fd uintptr) (done bool) {
	return func(fd uintptr) (done bool) {
		if s.err == nil { // the connection calls again, after it was done
			return true
		}
		if s.end.heldUp() != nil {
			s.err = errNotMyTurn
			return true
		}
		n, errno := rawmsg.SendmsgOnce(int(fd), &s.hdr, s.flags|s.end.wait)
		if errno == 0 && s.sent+n == s.length {
			s.sent, s.err = s.length, nil
			return true
		}
		return s.tried(int(fd), n, errno)
	}
}

// The functions below are called less often, so nothing depends on their speed.

func recvmsg(fd int, h *msghdr, flags int) (n int, err error) { return rawmsg.Recvmsg(fd, h, flags) }
func sendmsg(fd int, h *msghdr, flags int) (n int, err error) { return rawmsg.Sendmsg(fd, h, flags) }

func recvmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	return rawmsg.Recvmmsg(fd, msgs, flags)
}

func sendmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	return rawmsg.Sendmmsg(fd, msgs, flags)
}
