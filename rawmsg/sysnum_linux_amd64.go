package rawmsg

// System call numbers: arch/x86/entry/syscalls/syscall_64.tbl.
const (
	sysRecvmsg     = 47
	sysSendmsg     = 46
	sysRecvmmsg    = 299
	sysSendmmsg    = 307
	sysGetsockopt  = 55
	sysGetsockname = 51
	sysMemfdCreate = 319
	sysPpoll       = 271
	sysCloseRange  = 436
)
