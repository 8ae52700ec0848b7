package rawmsg

import (
	"syscall"
	"unsafe"
)

// Recvmsg receives one message from fd into what msg points to and returns the
// number of payload bytes: recvmsg(2). Flags are MSG_… bits. It blocks unless
// fd is nonblocking or flags has MSG_DONTWAIT, and is retried on EINTR. With
// SO_RCVTIMEO the error is EAGAIN when that time has passed; signals can make it
// twice as long, and no longer. The error is nil or a [syscall.Errno].
//
// Every descriptor that the control buffer reports afterwards belongs to the
// caller. Read only the first msg.Controllen bytes of it.
func Recvmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return again(sysRecvmsg, fd, unsafe.Pointer(msg), flags, 0)
}

// Sendmsg sends the message that msg describes over fd and returns the number
// of payload bytes that the kernel took: sendmsg(2). It blocks unless fd is
// nonblocking or flags has MSG_DONTWAIT, and is retried on EINTR, which the
// kernel returns only where it took nothing. The error is nil or a
// [syscall.Errno].
//
// The kernel duplicates the descriptors in the control buffer; the caller's
// own stay open and stay the caller's.
func Sendmsg(fd int, msg *Msghdr, flags int) (n int, err error) {
	return again(sysSendmsg, fd, unsafe.Pointer(msg), flags, 0)
}

// RecvmsgOnce is [Recvmsg] without the retry on EINTR. The compiler inlines it, so
// that one function fewer is open during the system call: that is worth 10 ns, since
// the kernel leaves the processor without a prediction of where it returns to.
func RecvmsgOnce(fd int, msg *Msghdr, flags int) (n int, errno syscall.Errno) {
	// unsafe.Pointer rule 4: converted to uintptr in the argument list of
	// syscall.Syscall, which keeps the object alive and in its place.
	r, _, errno := syscall.Syscall(sysRecvmsg, uintptr(fd), uintptr(unsafe.Pointer(msg)), uintptr(flags))
	return int(r), errno
}

// SendmsgOnce is [Sendmsg] as [RecvmsgOnce] is [Recvmsg].
func SendmsgOnce(fd int, msg *Msghdr, flags int) (n int, errno syscall.Errno) {
	// unsafe.Pointer rule 4, as above.
	r, _, errno := syscall.Syscall(sysSendmsg, uintptr(fd), uintptr(unsafe.Pointer(msg)), uintptr(flags))
	return int(r), errno
}

// Recvmmsg receives up to len(msgs) messages from fd with one system call and
// returns how many: recvmmsg(2). With MSG_WAITFORONE, which gVisor does not know (EINVAL), it blocks only for
// the first. It fails only if not even one was received; what ends a batch early
// is reported by the next call, if it is an error at all. It gives the kernel no
// timeout, since the kernel looks at it only after a message has come. Retried on EINTR; the error is nil or a [syscall.Errno].
//
// Each of the n messages has its Len, Hdr.Controllen and Hdr.Flags set, and
// its descriptors belong to the caller, as for [Recvmsg].
func Recvmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return again(sysRecvmmsg, fd, unsafe.Pointer(unsafe.SliceData(msgs)), len(msgs), flags)
}

// Sendmmsg sends up to len(msgs) messages over fd with one system call and
// returns how many: sendmmsg(2). The kernel stops at the first that fails, or
// that it took in part (the Len says how much), and reports the error only
// where that was the first. It takes 1024 messages at most. Retried on EINTR; the
// error is nil or a [syscall.Errno].
func Sendmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	return again(sysSendmmsg, fd, unsafe.Pointer(unsafe.SliceData(msgs)), len(msgs), flags)
}

// again makes a system call until no signal interrupts it, on a socket with a
// timeout until that is over. It is the one place where errno 0 becomes a nil
// error.
func again(trap uintptr, fd int, msgs unsafe.Pointer, a3, a4 int) (int, error) {
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
