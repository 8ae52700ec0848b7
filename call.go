//go:build !darwin && !dragonfly && !freebsd && !netbsd && !openbsd && !(linux && fdpass_portable)

package fdpass

import (
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// As few functions of ours as possible are open during the system calls of this
// file, and there is no interface between them and a bare descriptor: rawmsg's
// functions are inlined, and a method value in the place of each function literal
// would be one more function. That is worth 100 ns for a bare descriptor and 40 for
// a connection (bench/notes.md).

// recv receives a message with at most max descriptors. The flags are 0,
// MSG_DONTWAIT for one try, or MSG_PEEK.
func (r *Receiver) recv(p []byte, max, flags int) (m *Message, err error) {
	if err := r.prepare(p, flags); err != nil {
		return nil, err
	}
	if r.end.bare {
		n, errno := rawmsg.RecvmsgOnce(r.end.fd, &r.hdr, r.flags|r.end.wait)
		r.tried(r.end.fd, n, errno)
		if r.end.later {
			err = r.ask()
		}
	} else {
		ended := r.end.shared.ended(reading)
		if err = r.end.raw.Read(r.try); err != nil {
			err = r.end.resume(reading, ended, err, r.try)
		}
	}
	if r.err == nil { // a message came, whatever else the connection says
		return r.finish(max, err)
	}
	if err == nil {
		err = os.NewSyscallError("recvmsg", r.err)
	}
	return nil, err
}

// openLater is openSocket for one receive. The first try does not wait, and where
// it brings descriptors, the descriptor is a Unix socket: then nobody has to ask,
// which is worth 230 ns.
func openLater(fd int) (endpoint, error) {
	return endpoint{bare: true, fd: fd, later: true, wait: rawmsg.MSG_DONTWAIT}, checkNumber(fd)
}

// ask is what follows the first try. If no descriptors came, for whatever reason,
// it asks whether this is a Unix socket, and if nothing came, it waits.
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

// newTry makes the function that a connection calls with its descriptor.
func (r *Receiver) newTry() func(fd uintptr) (done bool) {
	return func(fd uintptr) (done bool) {
		if r.err == nil { // the connection calls again, after it was done
			return true
		}
		n, errno := rawmsg.RecvmsgOnce(int(fd), &r.hdr, r.flags|r.end.wait)
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
		s.tried(s.end.fd, n, errno)
	} else {
		ended := s.end.shared.ended(writing)
		if err = s.end.raw.Write(s.try); err != nil {
			err = s.end.resume(writing, ended, err, s.try)
		}
	}
	s.payload, s.more = nil, nil
	if err == nil && s.err != nil {
		err = os.NewSyscallError("sendmsg", s.err)
	}
	return s.sent, err
}

// newTry makes the function that a connection calls with its descriptor.
func (s *Sender) newTry() func(fd uintptr) (done bool) {
	return func(fd uintptr) (done bool) {
		if s.err == nil { // the connection calls again, after it was done
			return true
		}
		n, errno := rawmsg.SendmsgOnce(int(fd), &s.hdr, s.flags|s.end.wait)
		return s.tried(int(fd), n, errno)
	}
}

// What follows is called less often.

func recvmsg(fd int, h *msghdr, flags int) (n int, err error) { return rawmsg.Recvmsg(fd, h, flags) }
func sendmsg(fd int, h *msghdr, flags int) (n int, err error) { return rawmsg.Sendmsg(fd, h, flags) }

func recvmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	return rawmsg.Recvmmsg(fd, msgs, flags)
}

func sendmmsg(fd int, msgs []mmsghdr, flags int) (n int, err error) {
	return rawmsg.Sendmmsg(fd, msgs, flags)
}
