package ptrace

import (
	"os"
	"syscall"
)

// Requests and options that package syscall lacks, or lacks on some
// architectures: include/uapi/linux/ptrace.h.
const (
	reqCont      = 7
	reqDetach    = 17
	reqSyscall   = 24
	reqSeize     = 0x4206
	reqInterrupt = 0x4207
	reqListen    = 0x4208

	optSysgood  = 1 << 0
	optFork     = 1 << 1
	optVfork    = 1 << 2
	optClone    = 1 << 3
	optExec     = 1 << 4
	optExit     = 1 << 6
	optSeccomp  = 1 << 7
	optExitkill = 1 << 20

	eventExec    = 4
	eventExit    = 6
	eventSeccomp = 7
	eventStop    = 128

	sysgood = 0x80 // what PTRACE_O_TRACESYSGOOD adds to SIGTRAP
)

// request is a ptrace(2) whose arguments are numbers. It does not block.
func request(req, tid, data int) error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, uintptr(req), uintptr(tid), 0, uintptr(data), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("ptrace", errno)
	}
	return nil
}

// wait waits for any process or thread to stop or end.
func wait(ws *syscall.WaitStatus) (int, error) {
	for {
		tid, err := syscall.Wait4(-1, ws, syscall.WALL, nil)
		if err != syscall.EINTR {
			return tid, os.NewSyscallError("wait4", err)
		}
	}
}
