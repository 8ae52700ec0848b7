//go:build !mips && !mipsle && !mips64 && !mips64le && !ppc64 && !ppc64le

package fdpass

// SOL_SOCKET is the level of every control message on a Unix socket:
// include/uapi/asm-generic/socket.h.
const SOL_SOCKET = 1

const (
	soType     = 3
	soDomain   = 39
	soPassCred = 16
	soPeerCred = 17

	sockStream = 1
	sockDgram  = 2
)
