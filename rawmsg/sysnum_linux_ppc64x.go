//go:build linux && (ppc64 || ppc64le)

package rawmsg

// System call numbers: arch/powerpc/kernel/syscalls/syscall.tbl.
const (
	sysRecvmsg     = 342
	sysSendmsg     = 341
	sysRecvmmsg    = 343
	sysSendmmsg    = 349
	sysGetsockopt  = 340
	sysGetsockname = 331
	sysMemfdCreate = 360
	sysPpoll       = 281
	sysCloseRange  = 436
)
