//go:build !386 && !amd64

package rawmsg

import "syscall"

const (
	sysRecvmsg  = syscall.SYS_RECVMSG
	sysSendmsg  = syscall.SYS_SENDMSG
	sysRecvmmsg = syscall.SYS_RECVMMSG
	sysSendmmsg = syscall.SYS_SENDMMSG
)
