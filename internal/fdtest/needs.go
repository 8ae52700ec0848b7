package fdtest

import "testing"

// PortablePrefix begins the reason of every skip that [NeedsLinux] makes, so that
// what runs the tests can tell such skips from all others.
const PortablePrefix = "fdpass_portable: "

// NeedsLinux skips t if the library has its portable backend. It is for tests of what
// only Linux has. why says what that is.
func NeedsLinux(t testing.TB, why string) {
	t.Helper()
	if Portable {
		t.Skip(PortablePrefix + why + " is only on Linux; make test runs it")
	}
}
