//go:build linux

package fdpass_test

import (
	"bytes"
	"syscall"
	"testing"
	"unsafe"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// What the kernel reads and writes on amd64, every number as the C headers of
// that architecture have it.

func TestWhatIsAMsghdrOnAmd64(t *testing.T) {
	var h rawmsg.Msghdr
	for _, f := range []struct {
		name           string
		offset, at     uintptr
		size, actually uintptr
	}{
		{"msg_name", 0, unsafe.Offsetof(h.Name), 8, unsafe.Sizeof(h.Name)},
		{"msg_namelen", 8, unsafe.Offsetof(h.Namelen), 4, unsafe.Sizeof(h.Namelen)},
		{"msg_iov", 16, unsafe.Offsetof(h.Iov), 8, unsafe.Sizeof(h.Iov)},
		{"msg_iovlen", 24, unsafe.Offsetof(h.Iovlen), 8, unsafe.Sizeof(h.Iovlen)},
		{"msg_control", 32, unsafe.Offsetof(h.Control), 8, unsafe.Sizeof(h.Control)},
		{"msg_controllen", 40, unsafe.Offsetof(h.Controllen), 8, unsafe.Sizeof(h.Controllen)},
		{"msg_flags", 48, unsafe.Offsetof(h.Flags), 4, unsafe.Sizeof(h.Flags)},
		{"struct msghdr", 0, 0, 56, unsafe.Sizeof(h)},
	} {
		if f.at != f.offset || f.actually != f.size {
			t.Errorf("%s is at %d with %d bytes, want at %d with %d",
				f.name, f.at, f.actually, f.offset, f.size)
		}
	}
}

func TestWhatAreTheOtherStructsOnAmd64(t *testing.T) {
	var (
		iov  rawmsg.Iovec
		cmsg rawmsg.Cmsghdr
		many rawmsg.Mmsghdr
		cred rawmsg.Ucred
	)
	for _, f := range []struct {
		name           string
		offset, at     uintptr
		size, actually uintptr
	}{
		{"iov_base", 0, unsafe.Offsetof(iov.Base), 8, unsafe.Sizeof(iov.Base)},
		{"iov_len", 8, unsafe.Offsetof(iov.Len), 8, unsafe.Sizeof(iov.Len)},
		{"struct iovec", 0, 0, 16, unsafe.Sizeof(iov)},

		{"cmsg_len", 0, unsafe.Offsetof(cmsg.Len), 8, unsafe.Sizeof(cmsg.Len)},
		{"cmsg_level", 8, unsafe.Offsetof(cmsg.Level), 4, unsafe.Sizeof(cmsg.Level)},
		{"cmsg_type", 12, unsafe.Offsetof(cmsg.Type), 4, unsafe.Sizeof(cmsg.Type)},
		{"struct cmsghdr", 0, 0, 16, unsafe.Sizeof(cmsg)},

		{"msg_hdr", 0, unsafe.Offsetof(many.Hdr), 56, unsafe.Sizeof(many.Hdr)},
		{"msg_len", 56, unsafe.Offsetof(many.Len), 4, unsafe.Sizeof(many.Len)},
		{"struct mmsghdr", 0, 0, 64, unsafe.Sizeof(many)},

		{"pid", 0, unsafe.Offsetof(cred.Pid), 4, unsafe.Sizeof(cred.Pid)},
		{"uid", 4, unsafe.Offsetof(cred.Uid), 4, unsafe.Sizeof(cred.Uid)},
		{"gid", 8, unsafe.Offsetof(cred.Gid), 4, unsafe.Sizeof(cred.Gid)},
		{"struct ucred", 0, 0, 12, unsafe.Sizeof(cred)},
	} {
		if f.at != f.offset || f.actually != f.size {
			t.Errorf("%s is at %d with %d bytes, want at %d with %d",
				f.name, f.at, f.actually, f.offset, f.size)
		}
	}
}

func TestHowMuchRoomDoesAControlMessageTakeOnAmd64(t *testing.T) {
	for _, c := range []struct{ data, align, length, space int }{
		{0, 0, 16, 16},
		{1, 8, 17, 24},
		{4, 8, 20, 24}, // one descriptor
		{7, 8, 23, 24},
		{8, 8, 24, 24}, // two descriptors, in the space of one
		{9, 16, 25, 32},
		{12, 16, 28, 32},         // three descriptors, or credentials
		{1012, 1016, 1028, 1032}, // 253 descriptors
	} {
		align, length, space := fdpass.CmsgAlign(c.data), fdpass.CmsgLen(c.data), fdpass.CmsgSpace(c.data)
		if align != c.align || length != c.length || space != c.space {
			t.Errorf("%d bytes: CMSG_ALIGN, CMSG_LEN, CMSG_SPACE are %d, %d, %d, want %d, %d, %d",
				c.data, align, length, space, c.align, c.length, c.space)
		}
	}
}

// The credentials of process 4660, user 0 and group 65534, then the
// descriptors 3, 4 and 260, as the kernel writes them on amd64.
var golden = []byte{
	0x1c, 0, 0, 0, 0, 0, 0, 0, // cmsg_len: 16 + 12
	1, 0, 0, 0, // cmsg_level: SOL_SOCKET
	2, 0, 0, 0, // cmsg_type: SCM_CREDENTIALS
	0x34, 0x12, 0, 0, // pid
	0, 0, 0, 0, // uid
	0xfe, 0xff, 0, 0, // gid
	0, 0, 0, 0, // padding up to 32
	0x1c, 0, 0, 0, 0, 0, 0, 0, // cmsg_len: 16 + 3*4
	1, 0, 0, 0, // cmsg_level: SOL_SOCKET
	1, 0, 0, 0, // cmsg_type: SCM_RIGHTS
	3, 0, 0, 0, // descriptors
	4, 0, 0, 0,
	4, 1, 0, 0,
	0, 0, 0, 0, // padding up to 64
}

func TestIsTheGoldenBufferReadOnAmd64(t *testing.T) {
	var got []fdpass.Control
	for c, err := range fdpass.ParseControls(golden) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	if len(got) != 2 {
		t.Fatalf("%d control messages, want 2", len(got))
	}
	if c := got[0]; c.Level != 1 || c.Type != 2 || !bytes.Equal(c.Data, golden[16:28]) {
		t.Errorf("the credentials are %+v", c)
	}
	if c := got[1]; c.Level != 1 || c.Type != 1 || !bytes.Equal(c.Data, golden[48:60]) {
		t.Errorf("the descriptors are %+v", c)
	}
}

func TestIsTheGoldenBufferWrittenOnAmd64(t *testing.T) {
	got := fdpass.AppendControl(nil, 1, 2, golden[16:28])
	if got = fdpass.AppendRights(got, 3, 4, 260); !bytes.Equal(got, golden) {
		t.Errorf("\n\t% x, want\n\t% x", got, golden)
	}
}

// What the kernel writes differs from the golden buffer only in the numbers of
// process, user, group and descriptors.
func TestDoesTheKernelWriteTheGoldenBufferOnAmd64(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorThread)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	if err := syscall.SetsockoptInt(b, 1, 16, 1); err != nil { // SO_PASSCRED
		t.Fatal(err)
	}
	if err := fdpass.SendFDs(a, fdtest.FDs(t, 3)...); err != nil {
		t.Fatal(err)
	}
	payload, control := make([]byte, 8), make([]byte, 128)
	iov := rawmsg.Iovec{Base: &payload[0], Len: 8}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: &control[0], Controllen: 128}
	if _, err := rawmsg.Recvmsg(b, &h, 0); err != nil {
		t.Fatal(err)
	}
	if h.Controllen != 64 {
		t.Fatalf("msg_controllen is %d, want 64:\n% x", h.Controllen, control)
	}
	want := bytes.Clone(golden)
	copy(want[16:28], control[16:28])
	copy(want[48:60], control[48:60])
	if !bytes.Equal(control[:64], want) {
		t.Errorf("\n\t% x, want\n\t% x", control[:64], want)
	}
	if pid := int(control[16]) | int(control[17])<<8 | int(control[18])<<16; pid != syscall.Getpid() {
		t.Errorf("the process is %d, want %d", pid, syscall.Getpid())
	}
	for i := 48; i < 60; i += 4 {
		fdtest.Close(t, int(control[i])|int(control[i+1])<<8)
	}
}
