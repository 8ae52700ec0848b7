package fdtest

import (
	"strings"
	"syscall"
	"testing"
)

func TestIsGVisorFoundOut(t *testing.T) {
	// A second opinion: gVisor's uname(2) has the same date in every sandbox.
	var name syscall.Utsname
	if err := syscall.Uname(&name); err != nil {
		t.Fatal(err)
	}
	var version strings.Builder
	for _, c := range name.Version {
		version.WriteByte(byte(c))
	}
	constant := strings.HasPrefix(version.String(), "#1 SMP Sun Jan 10 15:06:54 PST 2016")
	if under := underGVisor(); under != constant {
		t.Errorf("under gVisor: found %v, but uname says %q", under, version.String())
	}
}

func TestIsATestSkippedOnlyUnderGVisor(t *testing.T) {
	ran := false
	t.Run("skips", func(t *testing.T) {
		SkipUnderGVisor(t, "nothing: this only shows that the skip works")
		ran = true
	})
	if ran == underGVisor() {
		t.Errorf("under gVisor: %v; ran: %v", underGVisor(), ran)
	}
}
