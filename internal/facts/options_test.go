//go:build linux

package facts

import (
	"fmt"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// passOptions are the options that make the kernel pass things, and what they
// are set to when that is not the default.
var passOptions = []struct {
	name  string
	opt   int
	value int
}{
	{"SO_PASSCRED", rawmsg.SO_PASSCRED, 1},
	{"SO_PASSSEC", rawmsg.SO_PASSSEC, 1},
	{"SO_PASSPIDFD", rawmsg.SO_PASSPIDFD, 1},
	{"SO_PASSRIGHTS", rawmsg.SO_PASSRIGHTS, 0},
}

// getOption reads a socket option that is an int.
func getOption(t *testing.T, fd, opt int) int {
	t.Helper()
	v, err := syscall.GetsockoptInt(fd, rawmsg.SOL_SOCKET, opt)
	if err != nil {
		t.Fatalf("getsockopt %d: %v", opt, err)
	}
	return v
}

func TestWhereDoThePassOptionsWork(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for network, typ := range fdtest.Types {
		for _, o := range passOptions {
			t.Run(o.name+" "+network, func(t *testing.T) {
				fdtest.NoLeak(t)
				_, b := fdtest.Pair(t, typ)
				fdtest.SetOption(t, b, o.opt, o.value, o.name)
				if got := getOption(t, b, o.opt); got != o.value {
					t.Errorf("set to %d and is %d", o.value, got)
				}
			})
		}
	}
}

func TestAreThePassOptionsInherited(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
		for _, o := range passOptions {
			t.Run(fmt.Sprint(o.name, " ", typ), func(t *testing.T) {
				fdtest.NoLeak(t)
				l, connect := fdtest.Listen(t, typ)
				fdtest.SetOption(t, l, o.opt, o.value, o.name)
				connect()
				if got := getOption(t, fdtest.Accept(t, l), o.opt); got != o.value {
					t.Errorf("an accepted socket has %d", got)
				}
			})
		}
	}
}

func TestDoThePassOptionsWorkOnTCP(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	unix := fdtest.Socket(t, syscall.AF_UNIX, syscall.SOCK_STREAM)
	fdtest.SetOption(t, unix, rawmsg.SO_PASSRIGHTS, 1,
		"SO_PASSRIGHTS (Linux 6.16), before which the others were accepted on TCP")
	tcp, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Skip("no TCP here:", err)
	}
	defer syscall.Close(tcp)
	for _, o := range passOptions {
		if err := syscall.SetsockoptInt(tcp, rawmsg.SOL_SOCKET, o.opt, o.value); err != syscall.EOPNOTSUPP {
			t.Errorf("%s: %v, want ENOTSUP", o.name, err)
		}
	}
}

func TestWhoLearnsThatDescriptorsAreRefused(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			fd := fdtest.FDs(t, 1)
			fdtest.MustSend(t, a, "x", fd...)
			fdtest.SetOption(t, b, rawmsg.SO_PASSRIGHTS, 0, "SO_PASSRIGHTS")
			_, err := fdtest.Sendmsg(a, []byte("y"), fdpass.AppendRights(nil, fd...), 0)
			if err != syscall.EPERM {
				t.Errorf("the sender: %v, want EPERM", err)
			}
			fdtest.MustSend(t, a, "z")
			fdtest.Expect(t, b, 1, "x", 1, 0) // it was queued already
			fdtest.Expect(t, b, 1, "z", 0, 0)
			// The other direction is open.
			fdtest.MustSend(t, b, "w", fd...)
			fdtest.Expect(t, a, 1, "w", 1, 0)
		})
	}
}

func TestAreDescriptorsRefusedBeforeAccept(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
		t.Run(fmt.Sprint(typ), func(t *testing.T) {
			fdtest.NoLeak(t)
			l, connect := fdtest.Listen(t, typ)
			fdtest.SetOption(t, l, rawmsg.SO_PASSRIGHTS, 0, "SO_PASSRIGHTS")
			control := fdpass.AppendRights(nil, fdtest.FDs(t, 1)...)
			if _, err := fdtest.Sendmsg(connect(), []byte("x"), control, 0); err != syscall.EPERM {
				t.Errorf("the sender: %v, want EPERM", err)
			}
		})
	}
}

func TestWhatDoesInqTell(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.SetOption(t, b, rawmsg.SO_INQ, 1, "SO_INQ")
	if v, err := syscall.GetsockoptInt(b, rawmsg.SOL_SOCKET, rawmsg.SO_INQ); err != syscall.ENOPROTOOPT {
		t.Errorf("reading it: %d, %v, want ENOPROTOOPT", v, err)
	}
	fdtest.MustSend(t, a, "hello")
	r := fdtest.Recvmsg(t, b, 2, 256, 0)
	if len(r.Controls) != 1 || r.Controls[0].Type != 84 || len(r.Controls[0].Data) != 4 {
		t.Fatalf("got %v", r.Controls)
	}
	if n, ok := r.Controls[0].QueuedBytes(); !ok || n != 3 {
		t.Errorf("%d bytes left, want 3", n)
	}
}

func TestIsInqForStreamsAlone(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	_, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.SetOption(t, b, rawmsg.SO_INQ, 1, "SO_INQ")
	for _, typ := range []int{syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET} {
		fd := fdtest.Socket(t, syscall.AF_UNIX, typ)
		if err := syscall.SetsockoptInt(fd, rawmsg.SOL_SOCKET, rawmsg.SO_INQ, 1); err == nil {
			t.Errorf("type %d has it", typ) // ENOPROTOOPT on Linux 6.18
		}
	}
}

func TestIsInqInherited(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	l, connect := fdtest.Listen(t, syscall.SOCK_STREAM)
	fdtest.SetOption(t, l, rawmsg.SO_INQ, 1, "SO_INQ")
	fdtest.MustSend(t, connect(), "hello")
	if r := fdtest.Recvmsg(t, fdtest.Accept(t, l), 2, 256, 0); len(r.Controls) != 0 {
		t.Errorf("got %v", r.Controls)
	}
}
