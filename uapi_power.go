//go:build ppc64 || ppc64le

package fdpass

// SOL_SOCKET is the level of every control message on a Unix socket:
// arch/powerpc/include/uapi/asm/socket.h.
const SOL_SOCKET = 1

const (
	soType     = 3
	soDomain   = 39
	soPassCred = 20
	soPeerCred = 21

	sockStream = 1
	sockDgram  = 2
)
