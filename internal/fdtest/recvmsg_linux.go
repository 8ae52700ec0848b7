package fdtest

import (
	"bytes"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// Receipt is what one recvmsg returned, with nothing added or left out.
type Receipt struct {
	Payload  []byte
	Buffer   []byte // the whole control buffer, whatever the kernel wrote of it
	Length   int    // msg_controllen
	Flags    int32
	Controls []fdpass.Control
	FDs      []int // of all SCM_RIGHTS messages; closed at the test's end
}

// Truncated reports whether the kernel says that control messages were cut.
func (r Receipt) Truncated() bool { return r.Flags&rawmsg.MSG_CTRUNC != 0 }

// Recvmsg receives a message, without waiting, with size bytes for the payload
// and room bytes for control messages, which are 0xff before the call.
func Recvmsg(t testing.TB, fd, size, room, flags int) Receipt {
	t.Helper()
	r, err := TryRecvmsg(t, fd, size, room, flags)
	if err != nil {
		t.Fatalf("recvmsg: %v", err)
	}
	return r
}

// TryRecvmsg is Recvmsg for a test that looks at the error.
func TryRecvmsg(t testing.TB, fd, size, room, flags int) (Receipt, error) {
	t.Helper()
	r := Receipt{Payload: make([]byte, size), Buffer: bytes.Repeat([]byte{0xff}, room)}
	iov := rawmsg.Iovec{Base: start(r.Payload), Len: uintptr(size)}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: start(r.Buffer), Controllen: uintptr(room)}
	n, err := rawmsg.Recvmsg(fd, &h, flags|rawmsg.MSG_DONTWAIT|rawmsg.MSG_CMSG_CLOEXEC)
	if err != nil {
		return Receipt{}, err
	}
	r.Payload, r.Length, r.Flags = r.Payload[:n], int(h.Controllen), h.Flags
	for c, err := range fdpass.ParseControls(r.Buffer[:r.Length]) {
		if err != nil {
			t.Errorf("the kernel's own control buffer: %v: %x", err, r.Buffer[:r.Length])
			break
		}
		r.Controls = append(r.Controls, c)
		r.FDs, _ = c.Rights(r.FDs)
	}
	t.Cleanup(func() { Close(t, r.FDs...) })
	return r, nil
}

// Expect receives up to size bytes and compares them and the number of
// descriptors.
func Expect(t testing.TB, fd, size int, payload string, fds int, flags int) {
	t.Helper()
	r := Recvmsg(t, fd, size, 256, flags)
	if string(r.Payload) != payload || len(r.FDs) != fds || r.Truncated() {
		t.Errorf("got %q with %d descriptors, want %q with %d", r.Payload, len(r.FDs), payload, fds)
	}
}

// Sendmsg sends a payload and a control buffer as they are.
func Sendmsg(fd int, payload, control []byte, flags int) (n int, err error) {
	iov := rawmsg.Iovec{Base: start(payload), Len: uintptr(len(payload))}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: start(control), Controllen: uintptr(len(control))}
	return rawmsg.Sendmsg(fd, &h, flags|rawmsg.MSG_NOSIGNAL)
}

// MustSend sends a payload with descriptors.
func MustSend(t testing.TB, fd int, payload string, fds ...int) {
	t.Helper()
	var control []byte
	if len(fds) > 0 {
		control = fdpass.AppendRights(nil, fds...)
	}
	if n, err := Sendmsg(fd, []byte(payload), control, 0); n != len(payload) || err != nil {
		t.Fatalf("sendmsg: %d, %v", n, err)
	}
}

func start(b []byte) *byte {
	if len(b) == 0 {
		return nil
	}
	return &b[0]
}
