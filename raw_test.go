//go:build linux

package fdpass_test

import (
	"bytes"
	"math/bits"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// What the facts about the kernel are asked with: bare system calls, and
// nothing of this package decides about what comes back.

// soon is a deadline for what should come at once.
func soon() time.Time { return time.Now().Add(20 * time.Second) }

// byWord is the one of two numbers that holds for this machine's word size.
func byWord(on64, on32 int) int {
	if bits.UintSize == 64 {
		return on64
	}
	return on32
}

// receipt is what a bare recvmsg brought.
type receipt struct {
	payload  []byte
	buffer   []byte // all of the control buffer, whatever the kernel wrote of it
	length   int    // msg_controllen
	flags    int32
	controls []fdpass.Control
	fds      []int // of all rights messages; closed at the test's end
}

// truncated is whether the kernel says that control messages were cut.
func (r receipt) truncated() bool { return r.flags&syscall.MSG_CTRUNC != 0 }

// cloexec is MSG_CMSG_CLOEXEC, which package syscall has with another sign on
// some machines.
const cloexec = 0x40000000

// bareRecv receives a message with size bytes for the payload and room bytes
// for control messages, which are 0xff before.
func bareRecv(t *testing.T, fd, size, room, flags int) receipt {
	t.Helper()
	r, err := tryRecv(t, fd, size, room, flags)
	if err != nil {
		t.Fatalf("recvmsg: %v", err)
	}
	return r
}

func tryRecv(t *testing.T, fd, size, room, flags int) (receipt, error) {
	t.Helper()
	r := receipt{payload: make([]byte, size), buffer: bytes.Repeat([]byte{0xff}, room)}
	iov := rawmsg.Iovec{Base: start(r.payload), Len: uintptr(size)}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: start(r.buffer), Controllen: uintptr(room)}
	n, err := rawmsg.Recvmsg(fd, &h, flags|syscall.MSG_DONTWAIT|cloexec)
	if err != nil {
		return receipt{}, err
	}
	r.payload, r.length, r.flags = r.payload[:n], int(h.Controllen), h.Flags
	for c, err := range fdpass.ParseControls(r.buffer[:r.length]) {
		if err != nil {
			t.Errorf("the kernel's own control buffer: %v: %x", err, r.buffer[:r.length])
			break
		}
		r.controls = append(r.controls, c)
		r.fds, _ = c.Rights(r.fds)
	}
	t.Cleanup(func() { fdtest.Close(t, r.fds...) })
	return r, nil
}

// bareSend sends a payload and a control buffer as they are.
func bareSend(fd int, payload, control []byte) (n int, err error) {
	return bareSendFlags(fd, payload, control, syscall.MSG_NOSIGNAL)
}

func bareSendFlags(fd int, payload, control []byte, flags int) (n int, err error) {
	iov := rawmsg.Iovec{Base: start(payload), Len: uintptr(len(payload))}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: start(control), Controllen: uintptr(len(control))}
	return rawmsg.Sendmsg(fd, &h, flags)
}

// mustSend sends a payload with descriptors.
func mustSend(t *testing.T, fd int, payload string, fds ...int) {
	t.Helper()
	var control []byte
	if len(fds) > 0 {
		control = fdpass.AppendRights(nil, fds...)
	}
	if n, err := bareSend(fd, []byte(payload), control); n != len(payload) || err != nil {
		t.Fatalf("sendmsg: %d, %v", n, err)
	}
}

func start(b []byte) *byte {
	if len(b) == 0 {
		return nil
	}
	return &b[0]
}

// setOption switches a socket option on, or skips the test where the kernel
// does not have it.
func setOption(t *testing.T, fd, option, value int, name string) {
	t.Helper()
	err := syscall.SetsockoptInt(fd, rawmsg.SOL_SOCKET, option, value)
	if err == syscall.ENOPROTOOPT || err == syscall.EOPNOTSUPP {
		t.Skipf("this kernel has no %s: %v", name, err)
	}
	if err != nil {
		t.Fatalf("setsockopt %s: %v", name, err)
	}
}

// listen is a listening socket with a name of the kernel's choice, and what
// connects to it.
func listen(t *testing.T, typ int) (fd int, connect func() int) {
	t.Helper()
	fd = socket(t, syscall.AF_UNIX, typ)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{}); err != nil {
		t.Fatal("bind:", err)
	}
	if err := syscall.Listen(fd, 4); err != nil {
		t.Fatal("listen:", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal("getsockname:", err)
	}
	return fd, func() int {
		c := socket(t, syscall.AF_UNIX, typ)
		if err := syscall.Connect(c, name); err != nil {
			t.Fatal("connect:", err)
		}
		return c
	}
}

// acceptOne takes a connection of a listening socket.
func acceptOne(t *testing.T, listener int) int {
	t.Helper()
	fd, _, err := syscall.Accept4(listener, syscall.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal("accept:", err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

// socket is a new socket, closed at the test's end.
func socket(t *testing.T, domain, typ int) int {
	t.Helper()
	fd, err := syscall.Socket(domain, typ|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal("socket:", err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}
