package abi

// Numbers are those of the system calls that move messages.
type Numbers struct {
	Recvmsg, Sendmsg, Recvmmsg, Sendmmsg uint64

	// Socketcall is the one system call that all of these once were, where an
	// architecture had it and some C libraries still use it; or 0.
	Socketcall uint64
}

// Syscalls are the numbers by GOARCH, from each architecture's system call table
// in the kernel: arch/*/syscall*.tbl and include/uapi/asm-generic/unistd.h.
var Syscalls = map[string]Numbers{
	"386":      {372, 370, 337, 345, 102},
	"amd64":    {47, 46, 299, 307, 0},
	"arm":      {297, 296, 365, 374, 102},
	"arm64":    {212, 211, 243, 269, 0},
	"loong64":  {212, 211, 243, 269, 0},
	"mips":     {4177, 4179, 4335, 4343, 4102},
	"mips64":   {5046, 5045, 5294, 5302, 0},
	"mips64le": {5046, 5045, 5294, 5302, 0},
	"mipsle":   {4177, 4179, 4335, 4343, 4102},
	"ppc64":    {342, 341, 343, 349, 102},
	"ppc64le":  {342, 341, 343, 349, 102},
	"riscv64":  {212, 211, 243, 269, 0},
	"s390x":    {372, 370, 357, 358, 102},
}
