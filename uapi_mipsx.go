//go:build mips || mipsle || mips64 || mips64le

package fdpass

// SOL_SOCKET is the level of every control message on a Unix socket:
// arch/mips/include/uapi/asm/socket.h.
const SOL_SOCKET = 0xffff

const (
	soType     = 0x1008
	soDomain   = 0x1029
	soPassCred = 17
	soPeerCred = 18

	sockStream = 2
	sockDgram  = 1
)
