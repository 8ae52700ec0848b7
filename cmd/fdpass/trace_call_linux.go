package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
	"example.com/fdpass/rawmsg"
)

// call is a system call that moves messages.
type call struct {
	abi   *traceABI
	name  string
	fd    int32
	msg   uint64 // the address of a msghdr, or of mmsghdrs
	batch bool   // whether they are mmsghdrs
}

// What PTRACE_GET_SYSCALL_INFO (Linux 5.3) says, the same on every architecture:
// struct ptrace_syscall_info of include/uapi/linux/ptrace.h.
const (
	infoEntry = 1
	infoExit  = 2

	infoOp      = 0  // __u8 op
	infoArch    = 4  // __u32 arch: AUDIT_ARCH_…
	infoNr      = 24 // __u64 entry.nr
	infoArgs    = 32 // __u64 entry.args[6]
	infoResult  = 24 // __s64 exit.rval
	infoIsError = 32 // __u8 exit.is_error
)

// syscallStop looks at a thread that begins or ends a system call.
func (w *watcher) syscallStop(pid int) error {
	info := w.info[:]
	_, err := rawmsg.PtraceSyscallInfo(pid, info)
	if err == syscall.EIO {
		return fmt.Errorf("PTRACE_GET_SYSCALL_INFO needs Linux 5.3: %w", err)
	}
	if err != nil {
		return os.NewSyscallError("ptrace", err)
	}
	number := func(at int) uint64 { return binary.NativeEndian.Uint64(info[at:]) }
	switch info[infoOp] {
	case infoEntry:
		var args [6]uint64
		for i := range args {
			args[i] = number(infoArgs + 8*i)
		}
		w.calls[pid] = entered(pid, binary.NativeEndian.Uint32(info[infoArch:]), number(infoNr), args)
	case infoExit:
		c := w.calls[pid]
		w.calls[pid] = nil
		if c != nil && info[infoIsError] == 0 {
			return w.show(pid, c, int(number(infoResult)))
		}
	}
	return nil
}

// entered is the call that begins, or nil if it moves no messages.
func entered(pid int, arch uint32, nr uint64, args [6]uint64) *call {
	a := traceABIs[arch]
	if a == nil {
		return nil
	}
	if a.Socketcall != 0 && nr == a.Socketcall { // its arguments are longs in memory
		mem, err := peek(pid, args[1], 2*a.Word)
		if err != nil {
			return nil // the kernel cannot read them either
		}
		nr = a.behind(args[0])
		args[0], args[1] = a.word(mem), a.word(mem[a.Word:])
	}
	c := &call{abi: a, fd: int32(args[0]), msg: args[1]}
	switch nr {
	case a.Recvmsg:
		c.name = "recvmsg"
	case a.Sendmsg:
		c.name = "sendmsg"
	case a.Recvmmsg:
		c.name, c.batch = "recvmmsg", true
	case a.Sendmmsg:
		c.name, c.batch = "sendmmsg", true
	default:
		return nil
	}
	return c
}

// show writes what a call has moved, which returned n. That the memory cannot be
// read, perhaps because another thread has just unmapped it, does not end a trace.
func (w *watcher) show(pid int, c *call, n int) error {
	var b strings.Builder
	if err := w.messages(&b, pid, c, n); err != nil {
		fmt.Fprintf(&b, "%d %s(%d) = %d: %v\n", pid, c.name, c.fd, n, err)
	}
	_, err := io.WriteString(w.out, b.String())
	return err
}

// messages writes the messages of a call: one of n bytes, or n of a batch.
func (w *watcher) messages(b *strings.Builder, pid int, c *call, n int) error {
	if !c.batch {
		return w.message(b, pid, c, c.name, c.msg, n)
	}
	header := c.abi.Mmsghdr()
	for i := range n {
		at := c.msg + uint64(i*header.Size)
		length, err := c.abi.field(pid, header, "msg_len", at)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s[%d]", c.name, i)
		if err := w.message(b, pid, c, name, at, int(length)); err != nil {
			return err
		}
	}
	return nil
}

// message writes one message of n bytes, whose msghdr is at an address, unless it
// has neither control messages nor lost any.
func (w *watcher) message(b *strings.Builder, pid int, c *call, name string, at uint64, n int) error {
	var v [3]uint64
	for i, field := range []string{"msg_control", "msg_controllen", "msg_flags"} {
		var err error
		if v[i], err = c.abi.field(pid, c.abi.Msghdr(), field, at); err != nil {
			return err
		}
	}
	truncated := v[2]&syscall.MSG_CTRUNC != 0 && strings.HasPrefix(name, "recv")
	if v[1] == 0 && !truncated {
		return nil
	}
	control, err := peek(pid, v[0], int(min(v[1], decode.MaxBuffer)))
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%d %s(%d) = %d", pid, name, c.fd, n)
	if truncated {
		b.WriteString(", MSG_CTRUNC")
	}
	b.WriteByte('\n')
	w.explain(b, pid, c.abi.Arch, control)
	return nil
}

// explain writes what is in a control buffer, and what its descriptors are open on
// in the process that has them.
func (w *watcher) explain(b *strings.Builder, pid int, a abi.Arch, control []byte) {
	if len(control) == 0 {
		return
	}
	r := decode.Explain(a, control)
	if w.verbose {
		r.WriteText(b)
	}
	for _, m := range r.Messages {
		if !w.verbose {
			fmt.Fprintf(b, "  %s: %s\n", m.Name, m.Summary)
		}
		for _, fd := range descriptors(a, m) {
			link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
			if err != nil {
				link = "not open"
			}
			fmt.Fprintf(b, "    %d is %s\n", fd, link)
		}
	}
	if r.Error != nil && !w.verbose {
		fmt.Fprintf(b, "  %v\n", r.Error)
	}
}

// descriptors are those that a message carries.
func descriptors(a abi.Arch, m decode.Message) (fds []int64) {
	if m.Name != "SCM_RIGHTS" && m.Name != "SCM_PIDFD" {
		return nil
	}
	for _, f := range m.Fields {
		isFD := strings.HasPrefix(f.Name, "fd[") || f.Name == "pidfd"
		if v, ok := f.Value.(int64); ok && isFD && v >= 0 { // below 0 it is an errno
			fds = append(fds, v)
		}
	}
	return fds
}
