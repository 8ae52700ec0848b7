//go:build linux

package facts

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestHowManyDescriptorsDoesARoomAdmit(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	const sent = 5
	fds := fdtest.FDs(t, sent)
	// A header of 16 bytes on 64-bit machines and of 12 on 32-bit ones, then 4
	// bytes a descriptor.
	for room := range 41 {
		want := max(0, (room-fdtest.ByWord(16, 12))/4)
		a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
		fdtest.MustSend(t, a, "x", fds...)
		r := fdtest.Recvmsg(t, b, 1, room, 0)
		if len(r.FDs) != min(want, sent) || r.Truncated() != (want < sent) {
			t.Errorf("%d bytes admitted %d descriptors, truncated: %v", room, len(r.FDs), r.Truncated())
		}
	}
}

func TestDoesCmsgSpaceForOneAdmitTwo(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			fdtest.MustSend(t, a, "x", fdtest.FDs(t, 2)...)
			r := fdtest.Recvmsg(t, b, 1, fdtest.ByWord(24, 16), 0) // CMSG_SPACE(4)
			if len(r.FDs) != fdtest.ByWord(2, 1) || r.Truncated() != (fdtest.ByWord(0, 1) == 1) {
				t.Errorf("got %d descriptors, truncated: %v", len(r.FDs), r.Truncated())
			}
		})
	}
}

func TestDoesCmsgSpaceForThreeAdmitFour(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 4)...)
	r := fdtest.Recvmsg(t, b, 1, fdtest.ByWord(32, 24), 0) // CMSG_SPACE(12)
	if len(r.FDs) != fdtest.ByWord(4, 3) || r.Truncated() != (fdtest.ByWord(0, 1) == 1) {
		t.Errorf("got %d descriptors, truncated: %v", len(r.FDs), r.Truncated())
	}
}

func TestDoesCmsgLenForOneAdmitOne(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 2)...)
	r := fdtest.Recvmsg(t, b, 1, fdtest.ByWord(20, 16), 0) // CMSG_LEN(4)
	if len(r.FDs) != 1 || !r.Truncated() {
		t.Errorf("got %d descriptors, truncated: %v", len(r.FDs), r.Truncated())
	}
	if r.Length != fdtest.ByWord(20, 16) {
		t.Errorf("msg_controllen is %d", r.Length)
	}
}

func TestWhatDoesAFullTableLookLike(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 2)...)
	restore := fdtest.LimitTable(t, 0)
	r := fdtest.Recvmsg(t, b, 16, 64, 0)
	restore()
	if string(r.Payload) != "hello" || r.Length != 0 || !r.Truncated() || len(r.FDs) != 0 {
		t.Errorf("got %q, msg_controllen %d, truncated: %v", r.Payload, r.Length, r.Truncated())
	}
	if !bytes.Equal(r.Buffer, bytes.Repeat([]byte{0xff}, 64)) {
		t.Errorf("the control buffer was written to: %x", r.Buffer)
	}
}

func TestWhatDoesANearlyFullTableLookLike(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	sent := fdtest.FDs(t, 5)
	fdtest.MustSend(t, a, "hello", sent...)
	restore := fdtest.LimitTable(t, 2)
	r := fdtest.Recvmsg(t, b, 16, 64, 0)
	restore()
	if string(r.Payload) != "hello" || !r.Truncated() {
		t.Errorf("got %q, truncated: %v", r.Payload, r.Truncated())
	}
	want := fdtest.IDs(t, sent[:2]...)
	if got := fdtest.IDs(t, r.FDs...); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// What did not fit is not on the socket any more.
	if r, err := fdtest.TryRecvmsg(t, b, 16, 64, 0); err != syscall.EAGAIN {
		t.Errorf("after it: %q, %v", r.Payload, err)
	}
}

func TestDoCredentialsPushADescriptorOut(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.SetOption(t, b, rawmsg.SO_PASSCRED, 1, "SO_PASSCRED")
	fd := fdtest.FDs(t, 1)
	fdtest.MustSend(t, a, "x", fd...)
	r := fdtest.Recvmsg(t, b, 1, fdtest.ByWord(24, 16), 0) // CMSG_SPACE(4)
	if len(r.Controls) != 1 || len(r.FDs) != 0 || !r.Truncated() {
		t.Fatalf("got %v, truncated: %v", r.Controls, r.Truncated())
	}
	c := r.Controls[0]
	if c.Type != rawmsg.SCM_CREDENTIALS || len(c.Data) != fdtest.ByWord(8, 4) {
		t.Errorf("got type %d with %d bytes", c.Type, len(c.Data))
	}
	if _, ok := c.Credentials(); ok {
		t.Error("credentials that were cut short were read")
	}
	// 56 bytes are enough for both on 64-bit machines, 40 on 32-bit ones.
	fdtest.MustSend(t, a, "x", fd...)
	r = fdtest.Recvmsg(t, b, 1, fdtest.ByWord(56, 40), 0)
	if len(r.FDs) != 1 || len(r.Controls) != 2 || r.Truncated() {
		t.Errorf("got %v, truncated: %v", r.Controls, r.Truncated())
	}
	// Without the last descriptor's padding, 52.
	fdtest.MustSend(t, a, "x", fd...)
	if r := fdtest.Recvmsg(t, b, 1, fdtest.ByWord(52, 40), 0); len(r.FDs) != 1 || r.Truncated() {
		t.Errorf("got %v, truncated: %v", r.Controls, r.Truncated())
	}
}

func TestDoesMsgFlagsEchoTheCaller(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it answers with flags of its own")
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "x")
	if r := fdtest.Recvmsg(t, b, 1, 0, 0); r.Flags != rawmsg.MSG_CMSG_CLOEXEC {
		t.Errorf("nothing happened, and the flags are %#x", r.Flags)
	}
}
