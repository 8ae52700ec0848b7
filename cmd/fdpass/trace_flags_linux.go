package main

import (
	"fmt"
	"syscall"
)

// msgFlags are the MSG_… of include/linux/socket.h, the same everywhere.
var msgFlags = []struct {
	bit  uint32
	name string
}{
	{0x1, "MSG_OOB"}, {0x2, "MSG_PEEK"}, {0x4, "MSG_DONTROUTE"}, {0x8, "MSG_CTRUNC"}, {0x10, "MSG_PROXY"},
	{0x20, "MSG_TRUNC"}, {0x40, "MSG_DONTWAIT"}, {0x80, "MSG_EOR"}, {0x100, "MSG_WAITALL"}, {0x200, "MSG_FIN"},
	{0x400, "MSG_SYN"}, {0x800, "MSG_CONFIRM"}, {0x1000, "MSG_RST"}, {0x2000, "MSG_ERRQUEUE"},
	{0x4000, "MSG_NOSIGNAL"}, {0x8000, "MSG_MORE"}, {0x10000, "MSG_WAITFORONE"}, {0x40000, "MSG_BATCH"},
	{0x4000000, "MSG_ZEROCOPY"}, {0x20000000, "MSG_FASTOPEN"}, {0x40000000, "MSG_CMSG_CLOEXEC"},
	{0x80000000, "MSG_CMSG_COMPAT"},
}

// flagNames are the names of the bits, and what has none in a number.
func flagNames(flags uint32) []string {
	names := []string{}
	for _, f := range msgFlags {
		if flags&f.bit != 0 {
			names = append(names, f.name)
			flags &^= f.bit
		}
	}
	if flags != 0 {
		names = append(names, fmt.Sprintf("%#x", flags))
	}
	return names
}

// callErrors are the errors of sendmsg(2) and recvmsg(2), and the reasons that
// have to do with control messages.
var callErrors = map[syscall.Errno]struct{ name, why string }{
	syscall.EPERM:        {"EPERM", "the receiver takes no descriptors (SO_PASSRIGHTS), or the credentials are another's"},
	syscall.ESRCH:        {"ESRCH", "no process has the number that the credentials give"},
	syscall.EINTR:        {"EINTR", ""},
	syscall.EIO:          {"EIO", ""},
	syscall.ENXIO:        {"ENXIO", ""},
	syscall.EBADF:        {"EBADF", "the socket, or one of the descriptors in the message, is not open"},
	syscall.EAGAIN:       {"EAGAIN", ""},
	syscall.ENOMEM:       {"ENOMEM", ""},
	syscall.EACCES:       {"EACCES", ""},
	syscall.EFAULT:       {"EFAULT", ""},
	syscall.EINVAL:       {"EINVAL", "more than 253 descriptors, or a control message that is malformed"},
	syscall.EMFILE:       {"EMFILE", ""},
	syscall.EPIPE:        {"EPIPE", ""},
	syscall.ENOENT:       {"ENOENT", ""},
	syscall.ENOSYS:       {"ENOSYS", "this kernel, or a filter, does not have the call"},
	syscall.ENOTSOCK:     {"ENOTSOCK", ""},
	syscall.EDESTADDRREQ: {"EDESTADDRREQ", ""},
	syscall.EMSGSIZE:     {"EMSGSIZE", ""},
	syscall.EPROTOTYPE:   {"EPROTOTYPE", ""},
	syscall.EOPNOTSUPP:   {"EOPNOTSUPP", ""},
	syscall.ENETDOWN:     {"ENETDOWN", ""},
	syscall.ENETUNREACH:  {"ENETUNREACH", ""},
	syscall.ECONNRESET:   {"ECONNRESET", ""},
	syscall.ENOBUFS:      {"ENOBUFS", "control messages of more bytes than net.core.optmem_max allows"},
	syscall.EISCONN:      {"EISCONN", ""},
	syscall.ENOTCONN:     {"ENOTCONN", ""},
	syscall.ETOOMANYREFS: {"ETOOMANYREFS", "more descriptors of this user under way than RLIMIT_NOFILE allows"},
	syscall.ETIMEDOUT:    {"ETIMEDOUT", ""},
	syscall.ECONNREFUSED: {"ECONNREFUSED", ""},
	syscall.EHOSTUNREACH: {"EHOSTUNREACH", ""},
}

// errnoName is the name of an error, or its number.
func errnoName(errno syscall.Errno) string {
	if e, ok := callErrors[errno]; ok {
		return e.name
	}
	return fmt.Sprintf("errno %d", int(errno))
}
