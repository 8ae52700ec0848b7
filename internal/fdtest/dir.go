package fdtest

import (
	"os"
	"testing"
)

// SocketDir is t.TempDir with a short name, for sockets. Their paths have at most 107
// bytes, and the path of t.TempDir contains the name of the test.
func SocketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fdpass")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
