package fdtest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// QemuUserPrefix begins the reason of every skip that [SkipUnderQemuUser]
// makes, so that what runs the tests can tell such skips from all others.
const QemuUserPrefix = "qemu-user: "

// Reasons for [SkipUnderQemuUser] that several files have.
const (
	QemuOptions = "it does not know the newer socket options"
	QemuRoom    = "it gives the kernel more room than the program offers"
)

// SkipUnderQemuUser skips t under qemu-user, and nowhere else. It is for tests that
// would test qemu, which converts control messages and gives the host more room for
// them than the program has. why says what qemu gets wrong. make test-kernels runs such
// a test on a real kernel.
func SkipUnderQemuUser(t testing.TB, why string) {
	t.Helper()
	under, err := underQemuUser()
	if err != nil {
		t.Fatal(err)
	}
	if under {
		t.Skip(QemuUserPrefix + why + "; make test-kernels runs it")
	}
}

// underQemuUser asks for the file that this process was started from by two
// names. Qemu-user answers the first itself, with the program that it
// translates; the second it does not know, so the kernel answers: with qemu.
var underQemuUser = sync.OnceValues(func() (bool, error) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return false, fmt.Errorf("finding out about qemu-user needs /proc: %w", err)
	}
	process, err := os.Readlink("/proc/thread-self/exe")
	if err != nil {
		return false, fmt.Errorf("finding out about qemu-user needs /proc: %w", err)
	}
	return program != process, nil
})
