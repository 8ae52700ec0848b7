package ptrace

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// Call is a system call that moves messages.
type Call struct {
	Kind  Kind
	Name  string
	ABI   *ABI
	FD    int
	Addr  uint64 // of a msghdr, mmsghdrs, or bytes
	Vlen  int    // of a batch: how many messages
	Flags uint32 // MSG_…
	State any    // the handler's own
}

// What PTRACE_GET_SYSCALL_INFO (Linux 5.3) says, the same on every architecture:
// struct ptrace_syscall_info of include/uapi/linux/ptrace.h.
const (
	infoEntry   = 1
	infoExit    = 2
	infoSeccomp = 3

	infoOp      = 0  // __u8 op
	infoArch    = 4  // __u32 arch: AUDIT_ARCH_…
	infoNr      = 24 // __u64 entry.nr
	infoArgs    = 32 // __u64 entry.args[6]
	infoResult  = 24 // __s64 exit.rval
	infoIsError = 32 // __u8 exit.is_error
)

// syscallStop deals with a thread that begins or ends a system call.
func (t *Tracer) syscallStop(th *Thread) error {
	c, err := t.look(th)
	err = t.after(err, th, 0)
	if c != nil {
		if err := t.Handler.Resumed(th, c); err != nil {
			return err
		}
	}
	return err
}

// look finds out which system call a thread begins or ends, and tells the handler
// if that is a wanted one, which it returns.
func (t *Tracer) look(th *Thread) (*Call, error) {
	info := t.info[:]
	_, err := rawmsg.PtraceSyscallInfo(th.TID, info)
	if err == syscall.EIO {
		return nil, fmt.Errorf("PTRACE_GET_SYSCALL_INFO needs Linux 5.3: %w", err)
	}
	if err != nil {
		return nil, os.NewSyscallError("ptrace", err)
	}
	number := func(at int) uint64 { return binary.NativeEndian.Uint64(info[at:]) }
	switch info[infoOp] {
	case infoEntry, infoSeccomp:
		if th.inside { // the filter stops at it a second time
			return nil, nil
		}
		var args [6]uint64
		for i := range args {
			args[i] = number(infoArgs + 8*i)
		}
		t.entered(th, binary.NativeEndian.Uint32(info[infoArch:]), number(infoNr), args)
		return th.call, nil
	case infoExit:
		c := th.call
		th.call, th.inside = nil, false
		if c != nil {
			return c, t.Handler.Returned(th, c, Result{int64(number(infoResult)), info[infoIsError] != 0})
		}
	}
	return nil, nil
}

// Result is what a system call has returned: a number, or -errno.
type Result struct {
	Value int64
	Error bool
}

// Errno is the error, or 0.
func (r Result) Errno() syscall.Errno {
	if r.Error {
		return syscall.Errno(-r.Value)
	}
	return 0
}

// Other is a system call that is not of the wanted kinds.
type Other struct {
	Close bool // close or close_range
	Args  [6]uint64
}

func (t *Tracer) entered(th *Thread, audit uint32, nr uint64, args [6]uint64) {
	a := abiOf(audit, nr)
	if a == nil {
		return
	}
	if c := call(th, a, nr, args); c != nil && t.Want(c.Kind) {
		if t.Handler.Entered(th, c) {
			th.call = c
		}
	} else if th.every {
		t.Handler.Other(th, Other{nr == a.close || nr == a.closeRange, args})
	}
	// Only from an entry or a wanted call does it stop at the exit.
	th.inside = th.call != nil || th.every || !t.Filtered
}

// call is the call that begins, or nil if it moves no messages.
func call(th *Thread, a *ABI, nr uint64, args [6]uint64) *Call {
	e := a.calls[nr]
	if a.socketcall != 0 && nr == a.socketcall { // its arguments are longs in memory
		e = socketcalls[args[0]]
		mem := make([]byte, 4*a.Word)
		if e.kind == 0 || th.Peek(args[1], mem) != nil {
			return nil // the kernel cannot read them either
		}
		for i := range 4 {
			args[i] = a.Long(mem[i*a.Word:])
		}
	}
	c := &Call{Kind: e.kind, Name: e.name, ABI: a, FD: int(int32(args[0])), Addr: args[1]}
	switch e.kind {
	case 0:
		return nil
	case Recvmsg, Sendmsg:
		c.Vlen, c.Flags = 1, uint32(args[2])
	case Recvmmsg, Sendmmsg:
		c.Vlen, c.Flags = int(min(uint32(args[2]), rawmsg.UIO_MAXIOV)), uint32(args[3])
	case Read:
		if e.name == "recv" || e.name == "recvfrom" {
			c.Flags = uint32(args[3])
		}
	}
	return c
}
