package ptrace

import "example.com/fdpass/internal/abi"

// Kind is what a system call does.
type Kind int

const (
	Recvmsg  Kind = iota + 1
	Sendmsg       // Addr is that of a msghdr, as for Recvmsg
	Recvmmsg      // Addr is that of mmsghdrs
	Sendmmsg
	Read    // bytes without control messages: read, readv, recv, recvfrom
	IoUring // io_uring_setup
)

// ABI is one way into the kernel: how a program's memory is laid out, and the
// numbers of the system calls.
type ABI struct {
	abi.Arch
	Msghdr     Offsets
	calls      map[uint64]entry // by number
	socketcall uint64           // the number of socketcall, or 0
	close      uint64
	closeRange uint64
}

type entry struct {
	kind Kind
	name string
}

// Offsets are those of what a msghdr holds, in bytes, and its size.
type Offsets struct{ Iov, Iovlen, Control, Controllen, Flags, Size, Mmsghdr int }

// audits are the ABIs by AUDIT_ARCH_… of include/uapi/linux/audit.h, since a
// kernel runs programs of more than one.
var audits = map[uint32]string{
	0x40000003: "386",
	0xc000003e: "amd64", // and x32, by a bit in the number
	0x40000028: "arm",
	0xc00000b7: "arm64",
	0xc0000102: "loong64",
	0x00000008: "mips",
	0x80000008: "mips64",
	0xc0000008: "mips64le",
	0x40000008: "mipsle",
	0xa0000008: "mips64n32",
	0xe0000008: "mips64n32le",
	0x80000015: "ppc64",
	0xc0000015: "ppc64le",
	0xc00000f3: "riscv64",
	0x80000016: "s390x",
}

// secondary are the ABIs that Go does not have: the messages are those of the
// architecture named here.
var secondary = map[string]string{"x32": "386", "mips64n32": "mips", "mips64n32le": "mipsle"}

// x32 is __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h.
const x32 = 0x40000000

// numbers are the system calls that internal/abi does not have, and all of them
// for the secondary ABIs: arch/*/syscall*.tbl and asm-generic/unistd.h. Those
// without a number have 0, but for amd64's read.
type numbers struct {
	abi.Numbers
	read, readv, recv, recvfrom, close uint64
	first                              uint64 // of the architecture's numbers
}

var tables = map[string]numbers{
	"386":         {abi.Syscalls["386"], 3, 145, 0, 371, 6, 0},
	"amd64":       {abi.Syscalls["amd64"], 0, 19, 0, 45, 3, 0},
	"x32":         {abi.Numbers{Recvmsg: x32 + 519, Sendmsg: x32 + 518, Recvmmsg: x32 + 537, Sendmmsg: x32 + 538}, x32, x32 + 515, 0, x32 + 517, x32 + 3, x32},
	"arm":         {abi.Syscalls["arm"], 3, 145, 291, 292, 6, 0},
	"arm64":       {abi.Syscalls["arm64"], 63, 65, 0, 207, 57, 0},
	"loong64":     {abi.Syscalls["loong64"], 63, 65, 0, 207, 57, 0},
	"mips":        {abi.Syscalls["mips"], 4003, 4145, 4175, 4176, 4006, 4000},
	"mipsle":      {abi.Syscalls["mipsle"], 4003, 4145, 4175, 4176, 4006, 4000},
	"mips64":      {abi.Syscalls["mips64"], 5000, 5018, 0, 5044, 5003, 5000},
	"mips64le":    {abi.Syscalls["mips64le"], 5000, 5018, 0, 5044, 5003, 5000},
	"mips64n32":   {n32, 6000, 6018, 0, 6044, 6003, 6000},
	"mips64n32le": {n32, 6000, 6018, 0, 6044, 6003, 6000},
	"ppc64":       {abi.Syscalls["ppc64"], 3, 145, 336, 337, 6, 0},
	"ppc64le":     {abi.Syscalls["ppc64le"], 3, 145, 336, 337, 6, 0},
	"riscv64":     {abi.Syscalls["riscv64"], 63, 65, 0, 207, 57, 0},
	"s390x":       {abi.Syscalls["s390x"], 3, 145, 0, 371, 6, 0},
}

// n32 is arch/mips/kernel/syscalls/syscall_n32.tbl, counted from 6000.
var n32 = abi.Numbers{Recvmsg: 6046, Sendmsg: 6045, Recvmmsg: 6298, Sendmmsg: 6307}

// ABIs are all that are known, by name.
var ABIs = func() map[string]*ABI {
	all := map[string]*ABI{}
	for name, n := range tables {
		all[name] = newABI(name, n)
	}
	return all
}()

func newABI(name string, n numbers) *ABI {
	goarch := name
	if other, ok := secondary[name]; ok {
		goarch = other
	}
	arch, err := abi.Lookup(goarch)
	if err != nil {
		panic(err)
	}
	a := &ABI{Arch: arch, socketcall: n.Socketcall, Msghdr: offsets(arch),
		close: n.close, closeRange: n.first + 436}
	a.calls = map[uint64]entry{
		n.Recvmsg: {Recvmsg, "recvmsg"}, n.Sendmsg: {Sendmsg, "sendmsg"},
		n.Recvmmsg: {Recvmmsg, "recvmmsg"}, n.Sendmmsg: {Sendmmsg, "sendmmsg"},
		n.read: {Read, "read"}, n.readv: {Read, "readv"}, n.recvfrom: {Read, "recvfrom"},
		n.first + 425: {IoUring, "io_uring_setup"},
	}
	if n.recv != 0 {
		a.calls[n.recv] = entry{Read, "recv"}
	}
	if arch.Word == 4 && name != "x32" { // Linux 5.1: time_t of 64 bits, which x32 always had
		a.calls[n.first+417] = entry{Recvmmsg, "recvmmsg_time64"}
	}
	return a
}

func offsets(a abi.Arch) Offsets {
	o := Offsets{Size: a.Msghdr().Size, Mmsghdr: a.Mmsghdr().Size}
	at := map[string]*int{"msg_iov": &o.Iov, "msg_iovlen": &o.Iovlen, "msg_control": &o.Control,
		"msg_controllen": &o.Controllen, "msg_flags": &o.Flags}
	for _, f := range a.Msghdr().Fields {
		if p := at[f.Name]; p != nil {
			*p = f.Offset
		}
	}
	return o
}

// abiOf is the ABI of a call with a number, or nil if it is not known.
func abiOf(audit uint32, nr uint64) *ABI {
	name := audits[audit]
	if name == "amd64" && nr&x32 != 0 {
		name = "x32"
	}
	return ABIs[name]
}

// socketcalls are what socketcall(2) calls by its first argument: SYS_SENDMSG and
// the others of include/uapi/linux/net.h.
var socketcalls = map[uint64]entry{
	10: {Read, "recv"}, 12: {Read, "recvfrom"}, 16: {Sendmsg, "sendmsg"}, 17: {Recvmsg, "recvmsg"},
	19: {Recvmmsg, "recvmmsg"}, 20: {Sendmmsg, "sendmmsg"},
}

// Long reads a long.
func (a *ABI) Long(b []byte) uint64 {
	if a.Word == 4 {
		return uint64(a.Uint32(b))
	}
	return a.Uint64(b)
}
