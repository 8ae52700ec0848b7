//go:build linux && (arm64 || loong64 || riscv64)

package rawmsg

// System call numbers: include/uapi/asm-generic/unistd.h.
const (
	sysRecvmsg     = 212
	sysSendmsg     = 211
	sysRecvmmsg    = 243
	sysSendmmsg    = 269
	sysGetsockopt  = 209
	sysGetsockname = 204
	sysMemfdCreate = 279
	sysPpoll       = 73
	sysCloseRange  = 436
)
