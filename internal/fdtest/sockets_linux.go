package fdtest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// Types are the kinds of Unix socket, by net's names for them.
var Types = map[string]int{
	"unix":       syscall.SOCK_STREAM,
	"unixgram":   syscall.SOCK_DGRAM,
	"unixpacket": syscall.SOCK_SEQPACKET,
}

// Pair returns a connected pair of blocking Unix sockets of a type (SOCK_STREAM, …).
// They are closed at the test's end; a test that wants one closed earlier calls
// [Close].
func Pair(t testing.TB, typ int) (a, b int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		pending.Store(fd, true)
		t.Cleanup(func() {
			if _, ok := pending.Load(fd); ok {
				Close(t, fd)
			}
		})
	}
	return fds[0], fds[1]
}

// Conns returns a connected pair of Unix sockets of a network ("unix", "unixgram"
// or "unixpacket") as package net has them, closed at the test's end.
func Conns(t testing.TB, network string) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, Types[network]|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return conn(t, fds[0]), conn(t, fds[1])
}

// conn makes a net.UnixConn with a duplicate of a descriptor, which it closes.
func conn(t testing.TB, fd int) *net.UnixConn {
	t.Helper()
	f := os.NewFile(uintptr(fd), "socketpair")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn)
}

// pending has the descriptors that a cleanup has to close.
var pending sync.Map

// Close closes descriptors, those of a [Pair] and any others. If one of them is not
// open, the test fails: somebody else has closed it.
func Close(t testing.TB, fds ...int) {
	t.Helper()
	for _, fd := range fds {
		pending.Delete(fd)
		if err := syscall.Close(fd); err != nil {
			t.Errorf("close %d: %v", fd, err)
		}
	}
}

// Files returns n open files, each with its own contents (Contents(i)), closed at
// the test's end.
func Files(t testing.TB, n int) []*os.File {
	t.Helper()
	dir := t.TempDir()
	files := make([]*os.File, n)
	for i := range files {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, []byte(Contents(i)), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		files[i] = f
	}
	return files
}

// Contents returns what the file i of [Files] holds.
func Contents(i int) string { return fmt.Sprintf("file %d\n", i) }

// FDs returns n descriptors of files as [Files] makes them, closed at the test's end.
func FDs(t testing.TB, n int) []int {
	t.Helper()
	fds := make([]int, n)
	for i, f := range Files(t, n) {
		fds[i] = int(f.Fd())
	}
	return fds
}

// ID says which file a descriptor is open on, whatever its number: two
// descriptors with the same ID are duplicates, or open on the same file.
type ID struct{ Dev, Ino uint64 }

// IDs identifies descriptors.
func IDs(t testing.TB, fds ...int) []ID {
	t.Helper()
	ids := make([]ID, len(fds))
	for i, fd := range fds {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil {
			t.Fatalf("fstat %d: %v", fd, err)
		}
		ids[i] = ID{uint64(st.Dev), uint64(st.Ino)}
	}
	return ids
}

// CloseOnExec reports whether a descriptor is closed by exec.
func CloseOnExec(t testing.TB, fd int) bool {
	t.Helper()
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	if errno != 0 {
		t.Fatalf("fcntl %d: %v", fd, errno)
	}
	return flags&syscall.FD_CLOEXEC != 0
}
