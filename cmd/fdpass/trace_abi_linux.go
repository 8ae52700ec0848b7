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
	abi.Numbers
}

// traceABIs are told apart by AUDIT_ARCH_… of include/uapi/linux/audit.h, since a
// 64-bit kernel runs 32-bit programs, too.
var traceABIs = map[uint32]*traceABI{
	0x40000003: newTraceABI("386"),
	0xc000003e: newTraceABI("amd64"),
	0x40000028: newTraceABI("arm"),
	0xc00000b7: newTraceABI("arm64"),
	0xc0000102: newTraceABI("loong64"),
	0x00000008: newTraceABI("mips"),
	0x80000008: newTraceABI("mips64"),
	0xc0000008: newTraceABI("mips64le"),
	0x40000008: newTraceABI("mipsle"),
	0x80000015: newTraceABI("ppc64"),
	0xc0000015: newTraceABI("ppc64le"),
	0xc00000f3: newTraceABI("riscv64"),
	0x80000016: newTraceABI("s390x"),
}

func newTraceABI(goarch string) *traceABI {
	a, err := abi.Lookup(goarch)
	if err != nil {
		panic(err)
	}
	return &traceABI{a, abi.Syscalls[goarch]}
}

// behind is the system call that a call of socketcall stands for: SYS_SENDMSG and
// the others of include/uapi/linux/net.h. Any other is socketcall itself.
func (a *traceABI) behind(call uint64) (nr uint64) {
	switch call {
	case 16:
		return a.Sendmsg
	case 17:
		return a.Recvmsg
	case 19:
		return a.Recvmmsg
	case 20:
		return a.Sendmmsg
	}
	return a.Socketcall
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
