package rawmsg

import (
	"runtime"
	"testing"
)

// The numbers are those of the kernel's system call tables: arch/*/syscall*.tbl
// and include/uapi/asm-generic/unistd.h.
func TestAreTheSystemCallNumbersTheKernels(t *testing.T) {
	type numbers struct{ recvmsg, sendmsg, recvmmsg, sendmmsg int }
	generic := numbers{212, 211, 243, 269}
	o32 := numbers{4177, 4179, 4335, 4343}
	n64 := numbers{5046, 5045, 5294, 5302}
	powerpc := numbers{342, 341, 343, 349}
	want, ok := map[string]numbers{
		"386":      {372, 370, 337, 345},
		"amd64":    {47, 46, 299, 307},
		"arm":      {297, 296, 365, 374},
		"arm64":    generic,
		"loong64":  generic,
		"mips":     o32,
		"mips64":   n64,
		"mips64le": n64,
		"mipsle":   o32,
		"ppc64":    powerpc,
		"ppc64le":  powerpc,
		"riscv64":  generic,
		"s390x":    {372, 370, 357, 358},
	}[runtime.GOARCH]
	if !ok {
		t.Fatalf("no system call numbers are known for %s", runtime.GOARCH)
	}
	if got := (numbers{sysRecvmsg, sysSendmsg, sysRecvmmsg, sysSendmmsg}); got != want {
		t.Errorf("recvmsg, sendmsg, recvmmsg, sendmmsg are %v, want %v", got, want)
	}
}
