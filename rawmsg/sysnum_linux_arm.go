package rawmsg

// System call numbers: arch/arm/tools/syscall.tbl.
const (
	sysRecvmsg     = 297
	sysSendmsg     = 296
	sysRecvmmsg    = 365
	sysSendmmsg    = 374
	sysGetsockopt  = 295
	sysGetsockname = 286
	sysMemfdCreate = 385
	sysPpoll       = 336
	sysCloseRange  = 436
)
