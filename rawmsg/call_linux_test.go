package rawmsg_test

import (
	"syscall"
	"testing"
	"unsafe"

	"example.com/fdpass/rawmsg"
)

// pair returns a connected pair of sockets.
func pair(t *testing.T, typ int) (a, b int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fds[0]); syscall.Close(fds[1]) })
	return fds[0], fds[1]
}

// message returns a header whose payload is p.
func message(p []byte) rawmsg.Msghdr {
	return rawmsg.Msghdr{Iov: &rawmsg.Iovec{Base: unsafe.SliceData(p), Len: uintptr(len(p))}, Iovlen: 1}
}

// batch returns a header for each payload.
func batch(payloads ...[]byte) (msgs []rawmsg.Mmsghdr) {
	for _, p := range payloads {
		msgs = append(msgs, rawmsg.Mmsghdr{Hdr: message(p)})
	}
	return msgs
}

func TestDoesAMessageGetAcross(t *testing.T) {
	a, b := pair(t, syscall.SOCK_SEQPACKET)
	out, in := message([]byte("hello")), make([]byte, 4)
	if n, err := rawmsg.Sendmsg(a, &out, 0); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	got := message(in)
	if n, err := rawmsg.Recvmsg(b, &got, 0); n != 4 || err != nil || string(in) != "hell" {
		t.Fatalf("%d %q, %v", n, in, err)
	}
	if got.Flags != rawmsg.MSG_TRUNC {
		t.Errorf("the flags are %#x", got.Flags)
	}
}

func TestDoesABatchGetAcross(t *testing.T) {
	a, b := pair(t, syscall.SOCK_SEQPACKET)
	if n, err := rawmsg.Sendmmsg(a, batch([]byte("one"), []byte("three")), 0); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	first, second, third := make([]byte, 8), make([]byte, 8), make([]byte, 8)
	in := batch(first, second, third)
	n, err := rawmsg.Recvmmsg(b, in, rawmsg.MSG_DONTWAIT)
	if n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if got := string(first[:in[0].Len]) + " " + string(second[:in[1].Len]); got != "one three" {
		t.Errorf("got %q", got)
	}
}

// A batch ends at what fails, and the error is that of the first message only.
func TestWhereDoesABatchEnd(t *testing.T) {
	a, _ := pair(t, syscall.SOCK_SEQPACKET)
	huge := make([]byte, 8<<20)
	one, three := []byte("one"), []byte("three")
	if n, err := rawmsg.Sendmmsg(a, batch(one, huge, three), 0); n != 1 || err != nil {
		t.Errorf("the second fails: %d, %v", n, err)
	}
	if n, err := rawmsg.Sendmmsg(a, batch(huge, three), 0); n != 0 || err != syscall.EMSGSIZE {
		t.Errorf("the first fails: %d, %v", n, err)
	}
}

func TestWhichErrorsAreReturned(t *testing.T) {
	a, b := pair(t, syscall.SOCK_STREAM)
	closed, err := syscall.Dup(b)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(closed)
	p := make([]byte, 1)
	m := message(p)
	calls := map[string]func(fd int) (int, error){
		"recvmsg":  func(fd int) (int, error) { return rawmsg.Recvmsg(fd, &m, 0) },
		"recvmmsg": func(fd int) (int, error) { return rawmsg.Recvmmsg(fd, batch(p), 0) },
		"sendmsg":  func(fd int) (int, error) { return rawmsg.Sendmsg(fd, &m, rawmsg.MSG_NOSIGNAL) },
		"sendmmsg": func(fd int) (int, error) { return rawmsg.Sendmmsg(fd, batch(p), rawmsg.MSG_NOSIGNAL) },
	}
	for name, call := range calls {
		if n, err := call(closed); n != 0 || err != syscall.EBADF {
			t.Errorf("%s on a closed descriptor: %d, %v", name, n, err)
		}
	}
	for _, name := range []string{"recvmsg", "recvmmsg"} {
		if n, err := calls[name](a); n != 0 || err != syscall.EAGAIN {
			t.Errorf("%s without a message: %d, %v", name, n, err)
		}
	}
	if err := syscall.Shutdown(b, syscall.SHUT_RD); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sendmsg", "sendmmsg"} {
		if n, err := calls[name](a); n != 0 || err != syscall.EPIPE {
			t.Errorf("%s to nobody: %d, %v", name, n, err)
		}
	}
}
