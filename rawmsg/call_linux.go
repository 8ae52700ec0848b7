package rawmsg

import (
	"syscall"
	"unsafe"
)

// Recvmsg receives one message from fd into what msg points to and returns the
// number of payload bytes: recvmsg(2). Flags are MSG_… bits. Recvmsg blocks unless
// fd is nonblocking or flags has MSG_DONTWAIT, and tries again after EINTR. With
// SO_RCVTIMEO the error is EAGAIN when that time has passed; signals can make it
// up to twice as long. The error is nil or a [syscall.Errno].
//
// The caller owns every descriptor in the control buffer afterwards, and reads only
// the first msg.Controllen bytes of the buffer.
func Recvmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return retry(sysRecvmsg, fd, unsafe.Pointer(msg), flags, 0)
}

// Sendmsg sends the message that msg describes over fd and returns the number
// of payload bytes that the kernel took: sendmsg(2). Sendmsg blocks unless fd is
// nonblocking or flags has MSG_DONTWAIT, and tries again after EINTR, which the
// kernel returns only if it took nothing. The error is nil or a [syscall.Errno].
//
// The kernel duplicates the descriptors in the control buffer. Those of the caller
// stay open and stay the caller's.
func Sendmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return retry(sysSendmsg, fd, unsafe.Pointer(msg), flags, 0)
}

// RecvmsgOnce is [Recvmsg] without a further try after EINTR. The compiler inlines
// it, so that there is one function less to return from. That saves 10 ns, since
// after a system call the processor cannot predict where a function returns to.
func RecvmsgOnce(fd int, msg *Msghdr, flags int) (n int, errno syscall.Errno) {
	// unsafe.Pointer rule 4: converted to uintptr in the argument list of
	// syscall.Syscall, which keeps the object alive and in its place.
	r, _, errno := syscall.Syscall(sysRecvmsg, uintptr(fd), uintptr(unsafe.Pointer(msg)), uintptr(flags))
	return int(r), errno
}

// SendmsgOnce is [Sendmsg] without a further try after EINTR. Like [RecvmsgOnce], it
// is inlined.
func SendmsgOnce(fd int, msg *Msghdr, flags int) (n int, errno syscall.Errno) {
	// unsafe.Pointer rule 4, as above.
	r, _, errno := syscall.Syscall(sysSendmsg, uintptr(fd), uintptr(unsafe.Pointer(msg)), uintptr(flags))
	return int(r), errno
}

// Recvmmsg receives up to len(msgs) messages from fd with one system call and
// returns how many: recvmmsg(2). With MSG_WAITFORONE it blocks only for the first
// (gVisor does not know that flag: EINVAL). It fails only if no message was
// received; the next call reports an error that ended a batch early. It tries again
// after EINTR. The error is nil or a [syscall.Errno].
//
// Each of the n messages has its Len, Hdr.Controllen and Hdr.Flags set, and its
// descriptors belong to the caller, as for [Recvmsg]. There is no timeout: the
// kernel would look at it only after a message has come.
func Recvmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return retry(sysRecvmmsg, fd, unsafe.Pointer(unsafe.SliceData(msgs)), len(msgs), flags)
}

// Sendmmsg sends up to len(msgs) messages over fd with one system call and returns
// how many: sendmmsg(2). The kernel takes at most [UIO_MAXIOV] messages. It stops at
// a message that fails, and at one of which it took only a part (its Len says how
// many bytes). It reports an error only if the first message fails. Sendmmsg tries
// again after EINTR. The error is nil or a [syscall.Errno].
func Sendmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return retry(sysSendmmsg, fd, unsafe.Pointer(unsafe.SliceData(msgs)), len(msgs), flags)
}

// retry makes a system call, and makes it again as long as signals interrupt it. On
// a socket with a timeout it stops when the time is over. It is the one place where
// errno 0 becomes a nil error.
func retry(trap uintptr, fd int, msgs unsafe.Pointer, a3, a4 int) (int, error) {
	for {
		// unsafe.Pointer rule 4: converted to uintptr in the argument list of
		// syscall.Syscall6, which keeps the object alive and in its place.
		n, _, errno := syscall.Syscall6(trap, uintptr(fd), uintptr(msgs), uintptr(a3), uintptr(a4), 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			if left := timeout(trap, fd); left > 0 && (a3|a4)&MSG_DONTWAIT == 0 {
				return within(left, trap, fd, msgs, a3, a4)
			}
			continue
		}
		return 0, errno
	}
}
