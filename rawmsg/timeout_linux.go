package rawmsg

import (
	"encoding/binary"
	"syscall"
	"time"
	"unsafe"
)

// On a socket with SO_RCVTIMEO or SO_SNDTIMEO, the kernel does not restart a call
// after a signal, whatever SA_RESTART says: the error is EINTR; signal(7) and
// sock_intr_errno of include/net/sock.h. For a further call, the kernel would count
// the time from the beginning, and with enough signals that would never end. So the
// functions below count the time from the first signal on. Until then nobody needs
// a clock.

// timeout returns how long a system call on fd waits, or 0 if there is no limit.
func timeout(trap uintptr, fd int) time.Duration {
	opt := syscall.SO_RCVTIMEO
	if trap == sysSendmsg || trap == sysSendmmsg {
		opt = syscall.SO_SNDTIMEO
	}
	var b [16]byte // struct timeval of two longs
	n, err := Getsockopt(fd, SOL_SOCKET, opt, b[:])
	switch {
	case err != nil:
		return 0
	case n == 8:
		sec, usec := binary.NativeEndian.Uint32(b[0:]), binary.NativeEndian.Uint32(b[4:])
		return time.Duration(sec)*time.Second + time.Duration(usec)*time.Microsecond
	}
	sec, usec := binary.NativeEndian.Uint64(b[0:]), binary.NativeEndian.Uint64(b[8:])
	return time.Duration(sec)*time.Second + time.Duration(usec)*time.Microsecond
}

// within makes an interrupted system call again until it succeeds, fails, or has
// waited for the time left. Then the error is EAGAIN, as it is in the kernel.
func within(left time.Duration, trap uintptr, fd int, msgs unsafe.Pointer, a3, a4 int) (int, error) {
	if trap == sysRecvmsg || trap == sysSendmsg {
		a3 |= MSG_DONTWAIT
	} else {
		a4 |= MSG_DONTWAIT
	}
	for end := time.Now().Add(left); ; {
		poll(fd, trap == sysSendmsg || trap == sysSendmmsg, time.Until(end))
		// unsafe.Pointer rule 4, as in retry.
		n, _, errno := syscall.Syscall6(trap, uintptr(fd), uintptr(msgs), uintptr(a3), uintptr(a4), 0, 0)
		switch {
		case errno == 0:
			return int(n), nil
		case errno != syscall.EINTR && errno != syscall.EAGAIN:
			return 0, errno
		case !time.Now().Before(end):
			return 0, syscall.EAGAIN
		}
		// Without a pause this could be a busy loop: a datagram socket that is not
		// connected is always ready to send, even if its receiver's queue is full.
		time.Sleep(time.Millisecond)
	}
}

// poll waits until fd is ready or has an error, until a signal comes, or until the
// time left is over: ppoll(2).
func poll(fd int, write bool, left time.Duration) {
	// struct pollfd of poll(2), POLLIN and POLLOUT
	p := struct {
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: 1}
	if write {
		p.events = 4
	}
	t := syscall.NsecToTimespec(max(0, int64(left)))
	// unsafe.Pointer rule 4: both are converted to uintptr in the argument list of
	// syscall.Syscall6, which keeps the objects alive and in their places.
	syscall.Syscall6(sysPpoll, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&t)), 0, 0, 0)
}
