package rawmsg

// The numbers in this file are the same on every architecture:
// include/linux/socket.h and include/uapi/asm-generic/socket.h. They do not
// come from package syscall, because it lacks the newer ones and because this
// package compiles on every system.

// Types of control messages, in Cmsghdr.Type. The level is [SOL_SOCKET].
const (
	SCM_RIGHTS      = 1  // descriptors: an array of int; unix(7)
	SCM_CREDENTIALS = 2  // struct ucred, 12 bytes; unix(7)
	SCM_SECURITY    = 3  // a security label, a string; unix(7)
	SCM_PIDFD       = 4  // a pidfd of the sender, or a negative errno; Linux 6.5
	SCM_INQ         = 84 // bytes left in a stream socket's queue, an int; Linux 6.17

	SCM_TIMESTAMP        = SO_TIMESTAMP_OLD    // struct timeval of two longs; socket(7)
	SCM_TIMESTAMPNS      = SO_TIMESTAMPNS_OLD  // struct timespec of two longs
	SCM_TIMESTAMPING     = SO_TIMESTAMPING_OLD // three struct timespec
	SCM_TIMESTAMP_NEW    = SO_TIMESTAMP_NEW    // as above with 64-bit numbers everywhere; Linux 5.1
	SCM_TIMESTAMPNS_NEW  = SO_TIMESTAMPNS_NEW
	SCM_TIMESTAMPING_NEW = SO_TIMESTAMPING_NEW
)

// SCM_MAX_FD is the largest number of descriptors that one message carries:
// include/net/scm.h. The kernel refuses a message with more of them (EINVAL).
const SCM_MAX_FD = 253

// UIO_MAXIOV is the largest number of messages that recvmmsg(2) and sendmmsg(2)
// take; they ignore the others. It is also the largest number of pieces of payload
// in one message (EMSGSIZE): include/uapi/linux/uio.h.
const UIO_MAXIOV = 1024

// Flags of a call, and bits of Msghdr.Flags afterwards; recvmsg(2).
const (
	MSG_PEEK         = 0x2        // leave the message on the socket
	MSG_CTRUNC       = 0x8        // result: control messages were shortened or dropped
	MSG_TRUNC        = 0x20       // result: the rest of a datagram was dropped
	MSG_DONTWAIT     = 0x40       // EAGAIN instead of waiting
	MSG_NOSIGNAL     = 0x4000     // EPIPE without SIGPIPE
	MSG_WAITFORONE   = 0x10000    // recvmmsg: wait for the first message only
	MSG_CMSG_CLOEXEC = 0x40000000 // received descriptors are close-on-exec
)

// Options of a Unix socket that have the same number everywhere, for
// getsockopt(2) and setsockopt(2) at the level [SOL_SOCKET]; socket(7), unix(7).
const (
	SO_TIMESTAMP_OLD    = 29
	SO_PASSSEC          = 34
	SO_TIMESTAMPNS_OLD  = 35
	SO_TIMESTAMPING_OLD = 37
	SO_PEEK_OFF         = 42
	SO_TIMESTAMP_NEW    = 63 // Linux 5.1
	SO_TIMESTAMPNS_NEW  = 64 // Linux 5.1
	SO_TIMESTAMPING_NEW = 65 // Linux 5.1
	SO_PASSPIDFD        = 76 // Linux 6.5
	SO_PEERPIDFD        = 77 // Linux 6.5
	SO_PASSRIGHTS       = 83 // Linux 6.16
	SO_INQ              = 84 // Linux 6.17; can be set and not read
)
