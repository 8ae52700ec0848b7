//go:build linux && (mips || mipsle)

package rawmsg

// System call numbers: arch/mips/kernel/syscalls/syscall_o32.tbl, counted
// from 4000.
const (
	sysRecvmsg     = 4177
	sysSendmsg     = 4179
	sysRecvmmsg    = 4335
	sysSendmmsg    = 4343
	sysGetsockopt  = 4173
	sysGetsockname = 4172
	sysMemfdCreate = 4354
	sysPpoll       = 4302
	sysCloseRange  = 4436
)
