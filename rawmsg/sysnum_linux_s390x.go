package rawmsg

// System call numbers: arch/s390/kernel/syscalls/syscall.tbl.
const (
	sysRecvmsg     = 372
	sysSendmsg     = 370
	sysRecvmmsg    = 357
	sysSendmmsg    = 358
	sysGetsockopt  = 365
	sysGetsockname = 367
	sysMemfdCreate = 350
	sysPpoll       = 302
	sysCloseRange  = 436
)
