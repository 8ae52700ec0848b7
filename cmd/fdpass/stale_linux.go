package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// removeStale removes a socket that no process has open. Of several that try this
// at once one does it at a time: they lock the directory. Whoever can read it can
// lock it, too, and keep the lock; then it is done without.
func removeStale(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err == nil {
		defer dir.Close() // unlocks
		lock(dir, time.Second)
	}
	info, err := stale(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else has removed it
	}
	if err != nil {
		return err
	}
	return removeOnly(path, info)
}

// lock locks a directory, if it can.
func lock(dir *os.File, patience time.Duration) {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := control(dir, func(fd int) error {
			return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
		})
		if err == nil || time.Now().After(end) {
			return
		}
	}
}

// removeOnly removes the socket at path if it is the one that info is of: by moving
// it, since a name can pass to another socket between a look and unlink(2). One
// that was moved by mistake gets its name back.
func removeOnly(path string, info fs.FileInfo) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".fdpass-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	moved := filepath.Join(dir, "s")
	if err := os.Rename(path, moved); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	now, err := os.Lstat(moved)
	if err == nil && os.SameFile(now, info) {
		return os.Remove(moved)
	}
	return errors.Join(fmt.Errorf("%s: somebody listens there", path), err, os.Link(moved, path))
}

// stale describes path if it is a socket that no process has open; anything else
// is an error. A socket that is bound and not listening yet refuses connections
// just like one that is gone. But the kernel looks at its type before that:
// EPROTOTYPE is the answer of one that is there; unix_find_other in
// net/unix/af_unix.c.
func stale(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s: is there already and is no socket", path)
	}
	for _, network := range []string{"unix", "unixgram"} {
		conn, err := net.Dial(network, path)
		if err == nil {
			conn.Close()
		}
		if err == nil || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EPROTOTYPE) {
			return nil, fmt.Errorf("%s: somebody listens there", path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, err
		}
	}
	return info, nil
}
