//go:build ppc64 || ppc64le

package rawmsg

// SOL_SOCKET is the level of every control message on a Unix socket:
// arch/powerpc/include/uapi/asm/socket.h.
const SOL_SOCKET = 1

// Options whose numbers differ between architectures.
const (
	SO_TYPE       = 3
	SO_DOMAIN     = 39
	SO_PASSCRED   = 20
	SO_PEERCRED   = 21
	SO_RCVTIMEO   = 18 // SO_RCVTIMEO_OLD: struct timeval of two longs
	SO_PEERSEC    = 31
	SO_PEERGROUPS = 59
)

// Types of sockets: include/linux/net.h.
const (
	SOCK_STREAM    = 1
	SOCK_DGRAM     = 2
	SOCK_SEQPACKET = 5
)
