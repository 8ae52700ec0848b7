//go:build !mips && !mipsle && !mips64 && !mips64le && !ppc64 && !ppc64le

package rawmsg

// SOL_SOCKET is the level of every control message on a Unix socket:
// include/uapi/asm-generic/socket.h.
const SOL_SOCKET = 1

// Options whose numbers differ between architectures.
const (
	SO_TYPE       = 3
	SO_DOMAIN     = 39
	SO_PASSCRED   = 16
	SO_PEERCRED   = 17
	SO_RCVTIMEO   = 20 // SO_RCVTIMEO_OLD: struct timeval of two longs
	SO_PEERSEC    = 31
	SO_PEERGROUPS = 59
)

// Types of sockets: include/linux/net.h.
const (
	SOCK_STREAM    = 1
	SOCK_DGRAM     = 2
	SOCK_SEQPACKET = 5
)
