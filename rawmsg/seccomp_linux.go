package rawmsg

import (
	"runtime"
	"structs"
	"syscall"
	"unsafe"
)

// SockFilter is one instruction of a filter: struct sock_filter of
// include/uapi/linux/filter.h.
type SockFilter struct {
	_    structs.HostLayout
	Code uint16 // __u16 code: BPF_LD, BPF_JMP, BPF_RET and their variants
	Jt   uint8  // __u8 jt: how many instructions to skip if true
	Jf   uint8  // __u8 jf: the same if false
	K    uint32 // __u32 k: an offset, a number to compare with, or the result
}

// Seccomp sets a filter for the system calls of the calling thread, and of all
// threads and processes that it starts: PR_SET_SECCOMP of prctl(2), seccomp(2). It
// cannot be taken back. So the caller calls [runtime.LockOSThread] first, and later
// exec, or lets the thread end. Without CAP_SYS_ADMIN it needs PR_SET_NO_NEW_PRIVS.
// The error is nil or a [syscall.Errno].
func Seccomp(filter []SockFilter) error {
	const setSeccomp, modeFilter = 22, 2 // include/uapi/linux/prctl.h, seccomp.h
	prog := struct {                     // struct sock_fprog
		_      structs.HostLayout
		len    uint16
		filter *SockFilter
	}{len: uint16(len(filter)), filter: unsafe.SliceData(filter)}
	// unsafe.Pointer rule 4: converted to uintptr in the argument list of
	// syscall.Syscall, which keeps the object alive and in its place, and with
	// it what it points to.
	_, _, errno := syscall.Syscall(syscall.SYS_PRCTL,
		setSeccomp, modeFilter, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return errno
	}
	return nil
}
