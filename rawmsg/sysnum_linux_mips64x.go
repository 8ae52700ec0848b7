//go:build linux && (mips64 || mips64le)

package rawmsg

// System call numbers: arch/mips/kernel/syscalls/syscall_n64.tbl, counted
// from 5000.
const (
	sysRecvmsg     = 5046
	sysSendmsg     = 5045
	sysRecvmmsg    = 5294
	sysSendmmsg    = 5302
	sysGetsockopt  = 5054
	sysGetsockname = 5050
	sysMemfdCreate = 5314
	sysPpoll       = 5261
	sysCloseRange  = 5436
)
