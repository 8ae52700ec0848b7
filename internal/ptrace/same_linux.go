package ptrace

import (
	"runtime"
	"syscall"
)

// sysKcmp are the numbers of kcmp(2), which package syscall does not have for all
// architectures: arch/*/syscall*.tbl and asm-generic/unistd.h.
var sysKcmp = map[string]uintptr{
	"386": 349, "amd64": 312, "arm": 378, "arm64": 272, "loong64": 272, "mips": 4347, "mipsle": 4347,
	"mips64": 5306, "mips64le": 5306, "ppc64": 354, "ppc64le": 354, "riscv64": 272, "s390x": 343,
}

// Same reports whether two descriptors of the process stand for the same open file
// description: then Link says the same of both. To ask that is cheaper than to ask
// for the second Link. It is false where the kernel does not tell: kcmp(2) is an
// option of its configuration, and some sandboxes do not let it through.
func (p *Process) Same(a, b int) bool {
	if a == b {
		return true
	}
	order, errno := kcmp(p.PID, a, b)
	return errno == 0 && order == 0
}

// kcmp is how the kernel orders the open file descriptions behind two descriptors
// of a process: 0 if they are the same one.
func kcmp(pid, a, b int) (order int, errno syscall.Errno) {
	const file = 0 // KCMP_FILE of include/uapi/linux/kcmp.h
	p, nr := uintptr(pid), sysKcmp[runtime.GOARCH]
	r, _, errno := syscall.RawSyscall6(nr, p, p, file, uintptr(a), uintptr(b), 0)
	return int(r), errno
}
