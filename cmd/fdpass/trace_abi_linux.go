package main

import (
	"fmt"
	"io"
	"os"

	"example.com/fdpass/internal/abi"
)

// traceABI is one way into the kernel: how a program's memory is laid out, and the
// numbers of the system calls that move messages.
type traceABI struct {
	abi.Arch
	recvmsg, sendmsg, recvmmsg, sendmmsg uint64

	// socketcall is the one system call that all of these once were, where an
	// architecture had it and some C libraries still use it; or 0.
	socketcall uint64
}

// traceABIs are told apart by AUDIT_ARCH_… of include/uapi/linux/audit.h, since a
// 64-bit kernel runs 32-bit programs, too. The numbers are those of each
// architecture's system call table in the kernel.
var traceABIs = map[uint32]*traceABI{
	0x40000003: newTraceABI("386", 372, 370, 337, 345, 102),
	0xc000003e: newTraceABI("amd64", 47, 46, 299, 307, 0),
	0x40000028: newTraceABI("arm", 297, 296, 365, 374, 102),
	0xc00000b7: newTraceABI("arm64", 212, 211, 243, 269, 0),
	0xc0000102: newTraceABI("loong64", 212, 211, 243, 269, 0),
	0x00000008: newTraceABI("mips", 4177, 4179, 4335, 4343, 4102),
	0x80000008: newTraceABI("mips64", 5046, 5045, 5294, 5302, 0),
	0xc0000008: newTraceABI("mips64le", 5046, 5045, 5294, 5302, 0),
	0x40000008: newTraceABI("mipsle", 4177, 4179, 4335, 4343, 4102),
	0x80000015: newTraceABI("ppc64", 342, 341, 343, 349, 102),
	0xc0000015: newTraceABI("ppc64le", 342, 341, 343, 349, 102),
	0xc00000f3: newTraceABI("riscv64", 212, 211, 243, 269, 0),
	0x80000016: newTraceABI("s390x", 372, 370, 357, 358, 102),
}

func newTraceABI(goarch string, recvmsg, sendmsg, recvmmsg, sendmmsg, socketcall uint64) *traceABI {
	a, err := abi.Lookup(goarch)
	if err != nil {
		panic(err)
	}
	return &traceABI{a, recvmsg, sendmsg, recvmmsg, sendmmsg, socketcall}
}

// behind is the system call that a call of socketcall stands for: SYS_SENDMSG and
// the others of include/uapi/linux/net.h. Any other is socketcall itself.
func (a *traceABI) behind(call uint64) (nr uint64) {
	switch call {
	case 16:
		return a.sendmsg
	case 17:
		return a.recvmsg
	case 19:
		return a.recvmmsg
	case 20:
		return a.sendmmsg
	}
	return a.socketcall
}

// word reads a long.
func (a *traceABI) word(b []byte) uint64 {
	if a.Word == 4 {
		return uint64(a.Uint32(b))
	}
	return a.Uint64(b)
}

// field reads a member of the struct s that a process has at an address.
func (a *traceABI) field(pid int, s abi.Struct, name string, at uint64) (uint64, error) {
	for _, f := range s.Fields {
		if f.Name != name {
			continue
		}
		b, err := peek(pid, at+uint64(f.Offset), f.Size)
		if err != nil {
			return 0, err
		}
		if f.Size == 4 {
			return uint64(a.Uint32(b)), nil
		}
		return a.Uint64(b), nil
	}
	return 0, fmt.Errorf("struct %s has no %s", s.Name, name)
}

// peek reads the memory of a process that has stopped.
func peek(pid int, at uint64, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	b := make([]byte, n)
	_, err = io.ReadFull(io.NewSectionReader(mem, int64(at), int64(n)), b)
	return b, err
}
