//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// Numbers of memfd_create(2) and fcntl(2), from include/uapi/linux/memfd.h and
// include/uapi/linux/fcntl.h; Linux 3.17.
const (
	mfdCloexec      = 1
	mfdAllowSealing = 2

	fAddSeals   = 1033
	fGetSeals   = 1034
	fSealSeal   = 1 // no more seals
	fSealShrink = 2
	fSealGrow   = 4
)

// maxSize is the largest size that is mapped for a client, in bytes.
const maxSize = 1 << 20

// create makes a file of size bytes in memory.
func create(size int) (*os.File, error) {
	fd, err := rawmsg.MemfdCreate("fdpass example", mfdCloexec|mfdAllowSealing)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "memfd")
	if err := f.Truncate(int64(size)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sealSize makes sure that the size never changes.
func sealSize(f *os.File) error {
	_, err := fcntl(f, fAddSeals, fSealShrink|fSealGrow|fSealSeal)
	return err
}

// checkSealed returns an error for a file whose size can change: any file except a
// sealed memfd.
func checkSealed(f *os.File) error {
	const want = fSealShrink | fSealGrow
	seals, err := fcntl(f, fGetSeals, 0)
	if err != nil {
		return fmt.Errorf("no memfd: %w", err)
	}
	if seals&want != want {
		return errors.New("the size is not sealed")
	}
	return nil
}

// mapShared maps all of a file whose size cannot change.
func mapShared(f *os.File) (mem []byte, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < 1 || info.Size() > maxSize {
		return nil, fmt.Errorf("%d bytes of shared memory", info.Size())
	}
	err = control(f, func(fd int) (err error) {
		mem, err = syscall.Mmap(fd, 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_SHARED)
		return os.NewSyscallError("mmap", err)
	})
	return mem, err
}

func fcntl(f *os.File, cmd, arg uintptr) (result int, err error) {
	err = control(f, func(fd int) error {
		n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), cmd, arg)
		if errno != 0 {
			return os.NewSyscallError("fcntl", errno)
		}
		result = int(n)
		return nil
	})
	return result, err
}

// control calls g with f's descriptor, which stays open until g returns.
func control(f *os.File, g func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) { err = g(int(fd)) })
	return errors.Join(cerr, err)
}
