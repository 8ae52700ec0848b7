//go:build linux

package fdpass_test

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

const qemuRoom = "it gives the kernel more room than the program offers"

func TestHowManyDescriptorsDoesARoomAdmit(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuRoom)
	fdtest.NoLeak(t)
	const sent = 5
	fds := fdtest.FDs(t, sent)
	// A header of 16 bytes on 64-bit machines and of 12 on 32-bit ones, then 4
	// bytes a descriptor.
	for room := range 41 {
		want := max(0, (room-byWord(16, 12))/4)
		a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
		mustSend(t, a, "x", fds...)
		r := bareRecv(t, b, 1, room, 0)
		if len(r.fds) != min(want, sent) || r.truncated() != (want < sent) {
			t.Errorf("%d bytes admitted %d descriptors, truncated: %v", room, len(r.fds), r.truncated())
		}
	}
}

func TestDoesCmsgSpaceForOneAdmitTwo(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuRoom)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			mustSend(t, a, "x", fdtest.FDs(t, 2)...)
			r := bareRecv(t, b, 1, byWord(24, 16), 0) // CMSG_SPACE(4)
			if len(r.fds) != byWord(2, 1) || r.truncated() != (byWord(0, 1) == 1) {
				t.Errorf("got %d descriptors, truncated: %v", len(r.fds), r.truncated())
			}
		})
	}
}

func TestDoesCmsgSpaceForThreeAdmitFour(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	mustSend(t, a, "x", fdtest.FDs(t, 4)...)
	r := bareRecv(t, b, 1, byWord(32, 24), 0) // CMSG_SPACE(12)
	if len(r.fds) != byWord(4, 3) || r.truncated() != (byWord(0, 1) == 1) {
		t.Errorf("got %d descriptors, truncated: %v", len(r.fds), r.truncated())
	}
}

func TestDoesCmsgLenForOneAdmitOne(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	mustSend(t, a, "x", fdtest.FDs(t, 2)...)
	r := bareRecv(t, b, 1, byWord(20, 16), 0) // CMSG_LEN(4)
	if len(r.fds) != 1 || !r.truncated() {
		t.Errorf("got %d descriptors, truncated: %v", len(r.fds), r.truncated())
	}
	if r.length != byWord(20, 16) {
		t.Errorf("msg_controllen is %d", r.length)
	}
}

func TestWhatDoesAFullTableLookLike(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	mustSend(t, a, "hello", fdtest.FDs(t, 2)...)
	restore := fdtest.LimitTable(t, 0)
	r := bareRecv(t, b, 16, 64, 0)
	restore()
	if string(r.payload) != "hello" || r.length != 0 || !r.truncated() || len(r.fds) != 0 {
		t.Errorf("got %q, msg_controllen %d, truncated: %v", r.payload, r.length, r.truncated())
	}
	if !bytes.Equal(r.buffer, bytes.Repeat([]byte{0xff}, 64)) {
		t.Errorf("the control buffer was written to: %x", r.buffer)
	}
}

func TestWhatDoesANearlyFullTableLookLike(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	sent := fdtest.FDs(t, 5)
	mustSend(t, a, "hello", sent...)
	restore := fdtest.LimitTable(t, 2)
	r := bareRecv(t, b, 16, 64, 0)
	restore()
	if string(r.payload) != "hello" || !r.truncated() {
		t.Errorf("got %q, truncated: %v", r.payload, r.truncated())
	}
	want := fdtest.IDs(t, sent[:2]...)
	if got := fdtest.IDs(t, r.fds...); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// What did not fit is not on the socket any more.
	if r, err := tryRecv(t, b, 16, 64, 0); err != syscall.EAGAIN {
		t.Errorf("after it: %q, %v", r.payload, err)
	}
}

func TestDoCredentialsPushADescriptorOut(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	setOption(t, b, rawmsg.SO_PASSCRED, 1, "SO_PASSCRED")
	fd := fdtest.FDs(t, 1)
	mustSend(t, a, "x", fd...)
	r := bareRecv(t, b, 1, byWord(24, 16), 0) // CMSG_SPACE(4)
	if len(r.controls) != 1 || len(r.fds) != 0 || !r.truncated() {
		t.Fatalf("got %v, truncated: %v", r.controls, r.truncated())
	}
	c := r.controls[0]
	if c.Type != rawmsg.SCM_CREDENTIALS || len(c.Data) != byWord(8, 4) {
		t.Errorf("got type %d with %d bytes", c.Type, len(c.Data))
	}
	if _, ok := c.Credentials(); ok {
		t.Error("credentials that were cut short were read")
	}
	// 56 bytes are enough for both on 64-bit machines, 40 on 32-bit ones.
	mustSend(t, a, "x", fd...)
	if r := bareRecv(t, b, 1, byWord(56, 40), 0); len(r.fds) != 1 || len(r.controls) != 2 || r.truncated() {
		t.Errorf("got %v, truncated: %v", r.controls, r.truncated())
	}
	// Without the last descriptor's padding, 52.
	mustSend(t, a, "x", fd...)
	if r := bareRecv(t, b, 1, byWord(52, 40), 0); len(r.fds) != 1 || r.truncated() {
		t.Errorf("got %v, truncated: %v", r.controls, r.truncated())
	}
}

func TestDoesMsgFlagsEchoTheCaller(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it answers with flags of its own")
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	mustSend(t, a, "x")
	if r := bareRecv(t, b, 1, 0, 0); r.flags != cloexec {
		t.Errorf("nothing happened, and the flags are %#x", r.flags)
	}
}
