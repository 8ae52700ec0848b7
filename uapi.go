package fdpass

// Numbers of the kernel's interface, from include/linux/socket.h and
// include/uapi/asm-generic/socket.h. They stand here and are not taken from
// package syscall because it lacks the younger ones, and so that the code
// compiles on every system. Those that differ between architectures are in
// uapi_….go.
const (
	SCM_RIGHTS      = 1  // descriptors: an array of int; unix(7)
	SCM_CREDENTIALS = 2  // struct ucred, 12 bytes; unix(7)
	SCM_SECURITY    = 3  // a security label, a string; unix(7)
	SCM_PIDFD       = 4  // a pidfd of the sender, or a negative errno; Linux 6.5
	SCM_INQ         = 84 // bytes left in a stream socket's queue, an int; Linux 6.17
)

// MaxFDs is the most descriptors that one message carries: SCM_MAX_FD of
// include/net/scm.h.
const MaxFDs = 253

const (
	afUnix = 1

	msgPeek        = 0x2
	msgCtrunc      = 0x8
	msgTrunc       = 0x20
	msgDontwait    = 0x40
	msgNosignal    = 0x4000
	msgWaitforone  = 0x10000
	msgCmsgCloexec = 0x40000000

	soTimestampOld   = 29 // data: struct timeval of two longs
	soTimestampnsOld = 35 // data: struct timespec of two longs
	soTimestampNew   = 63 // data: two 64-bit numbers, everywhere; Linux 5.1
	soTimestampnsNew = 64 // likewise
	soPassSec        = 34
	soPassPIDFD      = 76 // Linux 6.5
	soPeerPIDFD      = 77 // Linux 6.5
	soPassRights     = 83 // Linux 6.16
	soInq            = SCM_INQ
)
