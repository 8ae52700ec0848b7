package rawmsg_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"syscall"
	"unsafe"

	"example.com/fdpass/rawmsg"
)

// recvFD receives one descriptor from sock. This is the whole mechanism: a buffer for
// the control message, the header that points to it, the system call, a look at the
// control message that the kernel wrote, and closing what cannot be handed over.
// Each unsafe.Pointer here follows rule 1 or 3 of package unsafe: the words of the
// buffer are looked at as bytes, as a Cmsghdr, and as the int after it.
func recvFD(sock int) (int, error) {
	const header = unsafe.Sizeof(rawmsg.Cmsghdr{})
	var payload [1]byte
	var control [4]uintptr // words, so that a Cmsghdr in it is aligned
	iov := rawmsg.Iovec{Base: &payload[0], Len: 1}
	msg := rawmsg.Msghdr{Iov: &iov, Iovlen: 1}
	msg.Control = (*byte)(unsafe.Pointer(&control))
	msg.Controllen = header + 4 // CMSG_LEN(4): CMSG_SPACE(4) may be room for two descriptors
	if _, err := rawmsg.Recvmsg(sock, &msg, rawmsg.MSG_CMSG_CLOEXEC); err != nil {
		return -1, err
	}
	fd := -1
	// The kernel wrote only Controllen bytes. With room for 4 bytes of data there is
	// at most one control message.
	if h := (*rawmsg.Cmsghdr)(unsafe.Pointer(&control)); msg.Controllen >= header+4 &&
		h.Level == rawmsg.SOL_SOCKET && h.Type == rawmsg.SCM_RIGHTS {
		fd = int(*(*int32)(unsafe.Add(unsafe.Pointer(h), header)))
	}
	if msg.Flags&rawmsg.MSG_CTRUNC != 0 { // there was more, which the kernel has dropped
		syscall.Close(fd)
		return -1, errors.New("more than one descriptor, or something else that needs room")
	}
	if fd < 0 {
		return -1, errors.New("no descriptor")
	}
	return fd, nil
}

// sendFD sends one descriptor. Here the control message is a struct.
func sendFD(sock, fd int) error {
	payload := [1]byte{'x'} // a stream drops descriptors without a byte of payload
	control := struct {
		rawmsg.Cmsghdr
		fd int32
	}{fd: int32(fd)}
	control.Level, control.Type = rawmsg.SOL_SOCKET, rawmsg.SCM_RIGHTS
	control.Len = unsafe.Sizeof(control.Cmsghdr) + 4
	iov := rawmsg.Iovec{Base: &payload[0], Len: 1}
	msg := rawmsg.Msghdr{Iov: &iov, Iovlen: 1}
	msg.Control, msg.Controllen = (*byte)(unsafe.Pointer(&control)), control.Len
	_, err := rawmsg.Sendmsg(sock, &msg, rawmsg.MSG_NOSIGNAL)
	return err
}

// A descriptor through a pair of sockets, with the bare structs and calls.
func Example_recvFD() {
	socks, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer syscall.Close(socks[0])
	defer syscall.Close(socks[1])
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(w, "what is in the pipe")
	w.Close()

	if err := sendFD(socks[0], int(r.Fd())); err != nil {
		log.Fatal(err)
	}
	r.Close() // the message has its own reference

	fd, err := recvFD(socks[1])
	if err != nil {
		log.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "received")
	defer f.Close()
	text, err := io.ReadAll(f)
	fmt.Printf("%s, %v\n", text, err)
	// Output: what is in the pipe, <nil>
}
