package rawmsg

// System call numbers: arch/x86/entry/syscalls/syscall_32.tbl. The calls
// for sockets were one, socketcall(2), before Linux 4.3.
const (
	sysRecvmsg     = 372
	sysSendmsg     = 370
	sysRecvmmsg    = 337
	sysSendmmsg    = 345
	sysGetsockopt  = 365
	sysGetsockname = 367
	sysMemfdCreate = 356
	sysPpoll       = 309
	sysCloseRange  = 436
)
