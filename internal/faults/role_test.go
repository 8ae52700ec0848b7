//go:build linux

package faults

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/closer"
	"example.com/fdpass/internal/fdtest"
)

// The first goroutine stays on the first thread, which is the one that strace
// looks at.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	fdtest.Main(m, map[string]func(args []string) error{"operate": operate})
}

// operate does one operation after the other. The argument is the errno of a
// system call that is going to fail, or 0.
func operate(args []string) error {
	errno, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	names := args[1:]
	for _, op := range operations {
		if len(names) > 0 && !slices.Contains(names, op.name) {
			continue
		}
		if operr := op.run(syscall.Errno(errno)); operr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", op.name, operr))
		}
	}
	return err
}

// run does the operation between two marks, and looks whether its error is the one
// of the system call and whether anything was left open.
func (op *operation) run(errno syscall.Errno) error {
	x, err := newBench(op.network)
	if err != nil {
		return err
	}
	defer x.close()
	if op.prepare != nil {
		if err := op.prepare(x); err != nil {
			return err
		}
	}
	before := openDescriptors()
	mark("begin", op.name)
	err = op.do(x)
	mark("end", op.name)
	if err != nil && (errno == 0 || !errors.Is(err, errno)) {
		return fmt.Errorf("%v, and the error of a system call is %v", err, errno)
	}
	if err == nil {
		return nil
	}
	closer.Drain()
	if after := openDescriptors(); after > before {
		return fmt.Errorf("after %v there are %d descriptors, and were %d", err, after, before)
	}
	return nil
}

// mark makes a system call that strace shows and that does nothing.
func mark(what, name string) { syscall.Access("/"+what+"/"+name, 0) }

func newBench(network string) (x *bench, err error) {
	if network == "" {
		network = "unix"
	}
	x = &bench{p: make([]byte, 1)}
	if x.a, x.b, err = fdpass.Pair(network); err != nil {
		return nil, err
	}
	// What the library asks about the kernel once is none of the operation's calls.
	if _, err := fdpass.PeerCredentials(x.a); err != nil {
		return nil, err
	}
	x.fdA, x.fdB = number(x.a), number(x.b)
	for range 3 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return nil, err
		}
		x.files = append(x.files, f)
		x.fds = append(x.fds, int(f.Fd()))
	}
	return x, nil
}

func number(c *net.UnixConn) (n int) {
	raw, err := c.SyscallConn()
	if err != nil {
		panic(err)
	}
	raw.Control(func(fd uintptr) { n = int(fd) })
	return n
}

func (x *bench) close() {
	fdpass.CloseFDs(x.received)
	for _, c := range x.afterwards {
		c.Close()
	}
	for _, f := range x.files {
		f.Close()
	}
	x.a.Close()
	x.b.Close()
}

func openDescriptors() int {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(names)
}
