package fdtest

import (
	"os"
	"syscall"
	"testing"
)

func TestIsQemuUserFoundOut(t *testing.T) {
	under, err := underQemuUser()
	if err != nil {
		t.Fatal(err)
	}
	// What runs the tests under qemu-user says so, for the sake of Command.
	if named := os.Getenv(emulatorVariable) != ""; under != named {
		t.Errorf("under qemu-user: found %v, but %s says %v", under, emulatorVariable, named)
	}
	// A second opinion: every kernel has SO_PEEK_OFF (42) since 3.4, and qemu
	// to date has not.
	a, _ := Pair(t, syscall.SOCK_STREAM)
	err = syscall.SetsockoptInt(a, syscall.SOL_SOCKET, 42, -1)
	if missing := err == syscall.ENOPROTOOPT; under != missing {
		t.Errorf("under qemu-user: found %v, but setsockopt of SO_PEEK_OFF says %v", under, err)
	}
}

func TestIsATestSkippedUnderQemuUserAlone(t *testing.T) {
	ran := false
	t.Run("skips", func(t *testing.T) {
		SkipUnderQemuUser(t, "nothing: this only shows that the skip works")
		ran = true
	})
	under, err := underQemuUser()
	if err != nil {
		t.Fatal(err)
	}
	if ran == under {
		t.Errorf("under qemu-user: %v; ran: %v", under, ran)
	}
}
