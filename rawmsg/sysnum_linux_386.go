package rawmsg

// Package syscall has none of these: on i386 the socket calls were once all
// behind socketcall(2). Linux 4.3 gave each a number of its own, which spares
// the block of arguments in memory: arch/x86/entry/syscalls/syscall_32.tbl.
const (
	sysRecvmsg  = 372
	sysSendmsg  = 370
	sysRecvmmsg = 337
	sysSendmmsg = 345
)
