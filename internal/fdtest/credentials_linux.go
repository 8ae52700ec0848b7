package fdtest

import (
	"os"
	"syscall"
	"testing"
)

// NeedsForeignPIDs skips t if this process may not send the credentials of another
// one. It takes CAP_SYS_ADMIN, which root has, but not in most containers.
func NeedsForeignPIDs(t testing.TB) {
	t.Helper()
	NeedsLinux(t, "sending credentials")
	if !ForeignPIDs(t) {
		t.Skip("only root with CAP_SYS_ADMIN may send the credentials of another process: run it as such")
	}
}

// ForeignPIDs reports whether this process may send the credentials of another one. It
// asks without this library, so that a fault of that skips no test.
func ForeignPIDs(t testing.TB) bool {
	t.Helper()
	a, _ := Pair(t, syscall.SOCK_DGRAM)
	parent := &syscall.Ucred{
		Pid: int32(max(os.Getppid(), 1)), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()),
	}
	err := syscall.Sendmsg(a, []byte("x"), syscall.UnixCredentials(parent), nil, 0)
	if err != nil && err != syscall.EPERM {
		t.Fatal(err)
	}
	return err == nil
}
