package fdtest

import (
	"errors"
	"syscall"
	"testing"

	"example.com/fdpass"
)

// Receiver returns a Receiver on conn. Where the kernel lacks one of the options the
// test is skipped.
func Receiver(t testing.TB, conn syscall.Conn, opts fdpass.Options) *fdpass.Receiver {
	t.Helper()
	r, err := fdpass.NewReceiver(conn, opts)
	if errors.Is(err, errors.ErrUnsupported) {
		NeedsLinux(t, err.Error()+", which")
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}
