package rawmsg

import "syscall"

const (
	sysRecvmsg  = syscall.SYS_RECVMSG
	sysSendmsg  = syscall.SYS_SENDMSG
	sysRecvmmsg = syscall.SYS_RECVMMSG

	// Package syscall's list for amd64 is older than the call:
	// arch/x86/entry/syscalls/syscall_64.tbl.
	sysSendmmsg = 307
)
