//go:build linux

package facts

import (
	"encoding/binary"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

const qemuSend = "it rebuilds control messages before the kernel sees them"

func TestDoTwoRightsMessagesArriveAsOne(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuSend)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fds := fdtest.FDs(t, 3)
	control := fdpass.AppendRights(nil, fds[:1]...)
	control = fdpass.AppendRights(control, fds[1:]...)
	if _, err := fdtest.Sendmsg(a, []byte("x"), control, 0); err != nil {
		t.Fatal(err)
	}
	r := fdtest.Recvmsg(t, b, 1, 256, 0)
	if len(r.Controls) != 1 || len(r.Controls[0].Data) != 12 {
		t.Fatalf("got %v", r.Controls)
	}
	if want, got := fdtest.IDs(t, fds...), fdtest.IDs(t, r.FDs...); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHowManyDescriptorsDoesAMessageCarry(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuSend)
	fd := fdtest.FDs(t, 1)[0]
	for _, c := range []struct {
		groups []int
		err    error
	}{
		{[]int{253}, nil},
		{[]int{254}, syscall.EINVAL},
		{[]int{200, 53}, nil},
		{[]int{200, 54}, syscall.EINVAL},
	} {
		fdtest.NoLeak(t)
		a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
		var control []byte
		for _, n := range c.groups {
			control = fdpass.AppendRights(control, slices.Repeat([]int{fd}, n)...)
		}
		if _, err := fdtest.Sendmsg(a, []byte("x"), control, 0); err != c.err {
			t.Errorf("%d descriptors: %v, want %v", c.groups, err, c.err)
		} else if err == nil {
			if r := fdtest.Recvmsg(t, b, 1, 2048, 0); len(r.FDs) != 253 {
				t.Errorf("%d descriptors: got %d", c.groups, len(r.FDs))
			}
		}
	}
}

func TestIsARightsMessageOfOddLengthSent(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuSend)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	data := binary.NativeEndian.AppendUint32(nil, uint32(fdtest.FDs(t, 1)[0]))
	for _, c := range []struct {
		data []byte
		want int
	}{
		{nil, 0},
		{data[:3], 0},
		{data, 1},
		{append(data, 0xff, 0xff), 1}, // 6 bytes
	} {
		control := fdpass.AppendControl(nil, rawmsg.SOL_SOCKET, rawmsg.SCM_RIGHTS, c.data)
		if _, err := fdtest.Sendmsg(a, []byte("x"), control, 0); err != nil {
			t.Errorf("%d bytes: %v", len(c.data), err)
			continue
		}
		if r := fdtest.Recvmsg(t, b, 1, 256, 0); len(r.FDs) != c.want || r.Truncated() {
			t.Errorf("%d bytes: got %v", len(c.data), r.Controls)
		}
	}
}

func TestIsABadDescriptorSent(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	good := fdtest.FDs(t, 1)[0]
	for _, fds := range [][]int{{-1}, {1 << 20}, {good, -1}} {
		_, err := fdtest.Sendmsg(a, []byte("x"), fdpass.AppendRights(nil, fds...), 0)
		if err != syscall.EBADF {
			t.Errorf("%v: %v, want EBADF", fds, err)
		}
	}
	if r, err := fdtest.TryRecvmsg(t, b, 1, 256, 0); err != syscall.EAGAIN {
		t.Errorf("something arrived: %v, %v", r.Controls, err)
	}
}
