package ptrace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"example.com/fdpass/internal/lines"
	"example.com/fdpass/rawmsg"
)

// Thread is a thread that is traced.
type Thread struct {
	TID     int
	every   bool  // whether to stop at every system call: see Handler.Other
	call    *Call // which it is in the middle of
	inside  bool  // in the middle of any call
	process *Process
	tracer  *Tracer
}

// Process is what the threads of a process share.
type Process struct {
	PID   int
	Hides error // why its memory cannot be read, as when it is not dumpable; or nil

	mem   int // /proc/PID/mem, or -1
	fds   int // /proc/PID/fd, or -1
	pidfd int // or -1
	name  string
	link  [4096]byte // what Link reads into
}

// Process is the process that the thread belongs to.
func (th *Thread) Process() *Process {
	if th.process == nil {
		pid := th.TID
		if n, err := strconv.Atoi(status(th.TID, "Tgid")); err == nil {
			pid = n
		}
		p := th.tracer.processes[pid]
		if p == nil {
			p = &Process{PID: pid, mem: -1, fds: -1, pidfd: -1}
			th.tracer.processes[pid] = p
		}
		th.process = p
	}
	return th.process
}

// status is a line of /proc/PID/status.
func status(pid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range lines.Of(string(text)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Peek fills b from the memory of the thread, which has stopped.
func (th *Thread) Peek(at uint64, b []byte) error {
	p := th.Process()
	if p.mem < 0 {
		fd, err := syscall.Open(fmt.Sprintf("/proc/%d/mem", p.PID), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			if errors.Is(err, os.ErrPermission) { // and the process has not just ended
				p.Hides = err
			}
			return os.NewSyscallError("open", err)
		}
		p.mem, p.Hides = fd, nil
	}
	n, err := syscall.Pread(p.mem, b, int64(at))
	if err == nil && n < len(b) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Link is what /proc says that a descriptor of the process is open on: a path,
// "socket:[12]", "not open", or why it cannot be seen, as in a process that is not
// dumpable (PR_SET_DUMPABLE) and somebody without privilege traces.
func (p *Process) Link(fd int) string {
	if p.fds < 0 {
		dir, err := syscall.Open(fmt.Sprintf("/proc/%d/fd", p.PID), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return "not visible: " + err.Error()
		}
		p.fds = dir
	}
	n, err := rawmsg.Readlinkat(p.fds, strconv.Itoa(fd), p.link[:])
	switch {
	case err == syscall.ENOENT:
		return "not open"
	case err != nil:
		return "not visible: " + err.Error()
	}
	return string(p.link[:n])
}

// Name is the name of the program that the process runs, as ps shows it.
func (p *Process) Name() string {
	if p.name == "" {
		p.name = Name(p.PID)
	}
	return p.name
}

// Name is the name of a process, or "" if it is gone.
func Name(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

// Dup is a duplicate of a descriptor of the process, which the caller closes at
// once: as long as it is open, the file is. It needs Linux 5.6.
func (p *Process) Dup(fd int) (int, error) {
	if p.pidfd < 0 {
		pidfd, err := rawmsg.PidfdOpen(p.PID)
		if err != nil {
			return -1, err
		}
		p.pidfd = pidfd
	}
	return rawmsg.PidfdGetfd(p.pidfd, fd)
}

// replaced forgets the program that ran before an exec.
func (p *Process) replaced() {
	closeFD(&p.mem)
	p.name = ""
}

func (p *Process) close() {
	closeFD(&p.mem)
	closeFD(&p.fds)
	closeFD(&p.pidfd)
}

func closeFD(fd *int) {
	if *fd >= 0 {
		syscall.Close(*fd)
		*fd = -1
	}
}
