package fdtest

import (
	"os"
	"testing"
)

// SocketDir is t.TempDir with a short name, for sockets: their paths have at most
// 107 bytes, of which the name of the test would take its part.
func SocketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fdpass")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
