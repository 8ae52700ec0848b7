//go:build mips || mipsle || mips64 || mips64le

package rawmsg

// SOL_SOCKET is the level of every control message on a Unix socket:
// arch/mips/include/uapi/asm/socket.h.
const SOL_SOCKET = 0xffff

// Options whose numbers differ between architectures.
const (
	SO_TYPE       = 0x1008
	SO_DOMAIN     = 0x1029
	SO_PASSCRED   = 17
	SO_PEERCRED   = 18
	SO_RCVTIMEO   = 0x1006 // SO_RCVTIMEO_OLD: struct timeval of two longs
	SO_PEERSEC    = 30
	SO_PEERGROUPS = 59
)

// Types of sockets: arch/mips/include/asm/socket.h.
const (
	SOCK_STREAM    = 2
	SOCK_DGRAM     = 1
	SOCK_SEQPACKET = 5
)
