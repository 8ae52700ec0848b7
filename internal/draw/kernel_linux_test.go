package draw

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
	"example.com/fdpass/internal/fdtest"
)

// native returns a picture of what the machine that runs the test is to be given.
func native(t *testing.T, fds int, with ...string) *Picture {
	t.Helper()
	p, err := New(abi.Native(), Options{FDs: fds, With: with, Show: []string{"message"}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// receive sends so many descriptors and receives them in the room that is
// drawn, from a socket that has been asked for the rest.
func receive(t *testing.T, p *Picture, typ, fds int, with ...string) (r *decode.Report, truncated bool) {
	t.Helper()
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, typ)
	for _, w := range with {
		if w == "pidfd" || w == "inq" {
			fdtest.SkipUnderQemuUser(t, "setsockopt refuses SO_PASSPIDFD and SO_INQ")
		}
		opt := map[string]int{"cred": abi.Native().PassCred, "timestamp": abi.SCM_TIMESTAMP,
			"pidfd": abi.SO_PASSPIDFD, "inq": abi.SCM_INQ}[w]
		err := syscall.SetsockoptInt(b, syscall.SOL_SOCKET, opt, 1)
		// Pidfds begin with Linux 6.5; 6.12 has no SO_INQ on Unix sockets yet.
		if (w == "pidfd" || w == "inq") &&
			(errors.Is(err, syscall.ENOPROTOOPT) || errors.Is(err, syscall.EOPNOTSUPP)) {
			t.Skipf("%s: %v: needs a newer kernel", w, err)
		}
		if err != nil {
			t.Fatalf("%s: %v", w, err)
		}
	}
	if err := syscall.Sendmsg(a, []byte("x"), syscall.UnixRights(fdtest.FDs(t, fds)...), nil, 0); err != nil {
		t.Fatal(err)
	}
	control := make([]byte, p.Room.Total)
	_, n, flags, _, err := syscall.Recvmsg(b, make([]byte, 1), control, syscall.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	r = decode.Explain(abi.Native(), control[:n])
	for _, m := range r.Messages {
		for _, f := range m.Fields {
			if fd, ok := f.Value.(int64); ok && (strings.HasPrefix(f.Name, "fd[") || f.Name == "pidfd") {
				fdtest.Close(t, int(fd))
			}
		}
	}
	return r, flags&syscall.MSG_CTRUNC != 0
}

// The kernel is given the room that is drawn and one descriptor more than the
// drawing says fit.
func TestDoesTheKernelAdmitWhatTheDrawingSays(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "gives the host more room than it was offered")
	for _, c := range []struct {
		fds  int
		with string
	}{{1, ""}, {2, ""}, {3, ""}, {1, "cred"}, {1, "cred pidfd"}, {4, "timestamp pidfd"}} {
		t.Run(c.with, func(t *testing.T) {
			with := strings.Fields(c.with)
			p := native(t, c.fds, with...)
			r, truncated := receive(t, p, syscall.SOCK_DGRAM, p.Room.Admits+1, with...)
			if !truncated {
				t.Error("no MSG_CTRUNC, though one descriptor more was sent than fits")
			}
			got := 0
			for _, m := range r.Messages {
				for _, f := range m.Fields {
					if strings.HasPrefix(f.Name, "fd[") {
						got++
					}
				}
			}
			if got != p.Room.Admits {
				t.Errorf("the kernel installed %d descriptors, and the drawing says %d: %+v",
					got, p.Room.Admits, *p.Room)
			}
		})
	}
}

// Given as many descriptors as are drawn, the kernel writes the same messages
// to the same places.
func TestDoesTheKernelWriteWhatIsDrawn(t *testing.T) {
	for _, c := range []struct {
		typ, fds int
		with     string
	}{
		{syscall.SOCK_DGRAM, 1, ""},
		{syscall.SOCK_DGRAM, 2, "timestamp cred"},
		{syscall.SOCK_DGRAM, 3, "timestamp cred pidfd"},
		{syscall.SOCK_STREAM, 1, "cred inq"},
		{syscall.SOCK_STREAM, 1, "cred pidfd inq"},
	} {
		t.Run(c.with, func(t *testing.T) {
			with := strings.Fields(c.with)
			p := native(t, c.fds, with...)
			r, truncated := receive(t, p, c.typ, c.fds, with...)
			if got, want := outline(r), outline(p.Message); got != want || truncated {
				t.Errorf("truncated: %v; the kernel wrote\n%s\nand drawn is\n%s", truncated, got, want)
			}
		})
	}
}

// outline returns where which field is, whatever its value.
func outline(r *decode.Report) string {
	var b strings.Builder
	for _, m := range r.Messages {
		b.WriteString(m.Name + ":")
		for _, f := range m.Fields {
			fmt.Fprintf(&b, " %s@%d+%d", f.Name, f.Offset, f.Size)
		}
		b.WriteString("\n")
	}
	return b.String()
}
