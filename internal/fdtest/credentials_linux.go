package fdtest

import (
	"os"
	"syscall"
	"testing"

	"example.com/fdpass"
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

// ForeignPIDs reports whether this process may send the credentials of another one.
func ForeignPIDs(t testing.TB) bool {
	t.Helper()
	a, _ := Pair(t, syscall.SOCK_DGRAM)
	s, err := fdpass.NewSender(fdpass.Socket(a))
	if err != nil {
		t.Fatal(err)
	}
	parent := fdpass.Credentials{
		PID: int32(max(os.Getppid(), 1)), UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
	}
	_, err = s.SendMessage(&fdpass.Outgoing{Payload: []byte("x"), Credentials: &parent})
	return err == nil
}
