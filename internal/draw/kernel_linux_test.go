package draw

import (
	"errors"
	"syscall"
	"testing"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/fdtest"
)

// The kernel is given the room that is drawn and more descriptors than the
// drawing says fit.
func TestDoesTheKernelAdmitWhatTheDrawingSays(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "gives the host more room than it was offered")
	for _, o := range []Options{
		{FDs: 1},
		{FDs: 2},
		{FDs: 3},
		{FDs: 1, With: []string{"cred"}},
		{FDs: 1, With: []string{"cred", "pidfd"}},
		{FDs: 4, With: []string{"timestamp", "pidfd"}},
	} {
		o.Show = []string{"message"}
		p, err := New(abi.Native(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Run("", func(t *testing.T) { admitted(t, p, o.With) })
	}
}

func admitted(t *testing.T, p *Picture, with []string) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_DGRAM)
	arch := abi.Native()
	for _, w := range with {
		opt := map[string]int{"cred": arch.PassCred, "timestamp": abi.SCM_TIMESTAMP, "pidfd": abi.SO_PASSPIDFD}[w]
		err := syscall.SetsockoptInt(b, syscall.SOL_SOCKET, opt, 1)
		if errors.Is(err, syscall.ENOPROTOOPT) && w == "pidfd" {
			t.Skip("SO_PASSPIDFD: needs Linux 6.5")
		}
		if err != nil {
			t.Fatalf("%s: %v", w, err)
		}
	}
	fds := fdtest.FDs(t, p.Room.Admits+1)
	if err := syscall.Sendmsg(a, []byte("x"), syscall.UnixRights(fds...), nil, 0); err != nil {
		t.Fatal(err)
	}
	control := make([]byte, p.Room.Total)
	_, n, flags, _, err := syscall.Recvmsg(b, make([]byte, 1), control, syscall.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if flags&syscall.MSG_CTRUNC == 0 {
		t.Errorf("%v: no MSG_CTRUNC, though one descriptor more was sent than fits", with)
	}
	got := 0
	for rest, ok := control[:n], true; ok; {
		c, next, more, err := arch.Next(rest)
		if err != nil {
			t.Fatal(err)
		}
		if more && int(c.Level) == arch.SOLSocket && c.Type == abi.SCM_RIGHTS {
			got += len(c.Data) / 4
			for i := 0; i+4 <= len(c.Data); i += 4 {
				fdtest.Close(t, int(int32(arch.Uint32(c.Data[i:]))))
			}
		}
		rest, ok = next, more
	}
	if got != p.Room.Admits {
		t.Errorf("%v: the kernel installed %d descriptors, and the drawing says %d: %+v", with, got, p.Room.Admits, *p.Room)
	}
}
