package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// pty makes a terminal of so many columns: what is written to its one end is
// typed, and what programs write to the other is read there.
func pty(t testing.TB, columns int) (typist, terminal *os.File) {
	t.Helper()
	typist, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("%v: needs /dev/ptmx", err)
	}
	t.Cleanup(func() { typist.Close() })
	raw, err := typist.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	fd := -1
	if err := raw.Control(func(master uintptr) { fd = openTerminal(t, int(master), columns) }); err != nil {
		t.Fatal(err)
	}
	terminal = os.NewFile(uintptr(fd), "terminal")
	t.Cleanup(func() { terminal.Close() })
	return typist, terminal
}

// openTerminal opens the other end of a new pseudoterminal: pts(4), ioctl_tty(2).
func openTerminal(t testing.TB, master, columns int) int {
	t.Helper()
	const tiocgptpeer = 0x5441 // as on amd64, arm64 and most others
	var unlocked int32
	size := [4]uint16{24, uint16(columns)}
	for _, c := range []struct {
		request uintptr
		arg     unsafe.Pointer
	}{{syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked)}, {syscall.TIOCSWINSZ, unsafe.Pointer(&size)}} {
		// unsafe.Pointer rule 4: converted in the argument list of syscall.Syscall.
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(master), c.request, uintptr(c.arg))
		if errno != 0 {
			t.Skipf("ioctl %#x: %v: needs pseudoterminals", c.request, errno)
		}
	}
	flags := uintptr(os.O_RDWR | syscall.O_NOCTTY | syscall.O_CLOEXEC)
	fd, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(master), tiocgptpeer, flags)
	if errno != 0 {
		t.Skipf("TIOCGPTPEER: %v: needs Linux 4.13, and a machine that has this number for it", errno)
	}
	return int(fd)
}

// inTerminal runs the command in a terminal and returns what it wrote there.
func inTerminal(t testing.TB, columns int, env []string, args ...string) string {
	t.Helper()
	typist, terminal := pty(t, columns)
	p := fdpassCommand(t, args...)
	p.Env = append(p.Environ(), env...)
	p.Stdout = terminal
	var out output
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, err := typist.Read(b)
			out.Write(b[:n])
			if err != nil { // EIO when nobody has the terminal open any more
				return
			}
		}
	}()
	p.begin()
	terminal.Close()
	p.succeed()
	<-done
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}
