package fdtest

import "testing"

// PortablePrefix begins the reason of every skip that [NeedsLinux] makes, so that
// what runs the tests can tell such skips from all others.
const PortablePrefix = "fdpass_portable: "

// NeedsLinux skips t where the library has its portable backend: for a test of
// what only Linux has. Why says what that is.
func NeedsLinux(t testing.TB, why string) {
	t.Helper()
	if Portable {
		t.Skip(PortablePrefix + why + " is only on Linux; make test runs it")
	}
}
