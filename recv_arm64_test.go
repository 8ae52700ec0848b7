//go:build linux

package fdpass_test

import (
	"bytes"
	"reflect"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// What the kernel reads and writes on arm64, every number as AArch64's
// procedure call standard (LP64) gives it: an int has 4 bytes, a long, a
// size_t and a pointer have 8, each aligned to its own size.

func TestWhatAreTheStructsOnArm64(t *testing.T) {
	type place struct {
		field        string
		offset, size uintptr
	}
	for _, s := range []struct {
		typ    reflect.Type
		size   uintptr
		places []place
	}{
		{reflect.TypeFor[rawmsg.Msghdr](), 56, []place{
			{"Name", 0x00, 8},       // void *msg_name
			{"Namelen", 0x08, 4},    // int msg_namelen, then 4 bytes of padding
			{"Iov", 0x10, 8},        // struct iovec *msg_iov
			{"Iovlen", 0x18, 8},     // size_t msg_iovlen
			{"Control", 0x20, 8},    // void *msg_control
			{"Controllen", 0x28, 8}, // size_t msg_controllen
			{"Flags", 0x30, 4},      // int msg_flags, then 4 bytes of padding
		}},
		{reflect.TypeFor[rawmsg.Iovec](), 16, []place{
			{"Base", 0x00, 8}, // void *iov_base
			{"Len", 0x08, 8},  // size_t iov_len
		}},
		{reflect.TypeFor[rawmsg.Cmsghdr](), 16, []place{
			{"Len", 0x00, 8},   // size_t cmsg_len
			{"Level", 0x08, 4}, // int cmsg_level
			{"Type", 0x0c, 4},  // int cmsg_type
		}},
		{reflect.TypeFor[rawmsg.Mmsghdr](), 64, []place{
			{"Hdr", 0x00, 56}, // struct msghdr msg_hdr
			{"Len", 0x38, 4},  // unsigned int msg_len, then 4 bytes of padding
		}},
		{reflect.TypeFor[rawmsg.Ucred](), 12, []place{
			{"Pid", 0x00, 4}, // __u32 pid
			{"Uid", 0x04, 4}, // __u32 uid
			{"Gid", 0x08, 4}, // __u32 gid
		}},
	} {
		if s.typ.Size() != s.size {
			t.Errorf("%v has %d bytes, want %d", s.typ, s.typ.Size(), s.size)
		}
		for _, p := range s.places {
			f, ok := s.typ.FieldByName(p.field)
			if !ok || f.Offset != p.offset || f.Type.Size() != p.size {
				t.Errorf("%v.%s is at %d with %d bytes, want at %d with %d",
					s.typ, p.field, f.Offset, f.Type.Size(), p.offset, p.size)
			}
		}
		if n := s.typ.NumField(); n != len(s.places)+1 { // and the marker for C's layout
			t.Errorf("%v has %d fields, want %d and the marker", s.typ, n, len(s.places))
		}
	}
}

func TestHowMuchRoomDoesAControlMessageTakeOnArm64(t *testing.T) {
	for _, c := range []struct{ descriptors, length, space int }{
		{0, 16, 16},
		{1, 20, 24},
		{2, 24, 24},
		{3, 28, 32},
		{252, 1024, 1024},
		{253, 1028, 1032},
	} {
		length, space := fdpass.CmsgLen(4*c.descriptors), fdpass.CmsgSpace(4*c.descriptors)
		if length != c.length || space != c.space {
			t.Errorf("%d descriptors: CMSG_LEN is %d and CMSG_SPACE %d, want %d and %d",
				c.descriptors, length, space, c.length, c.space)
		}
	}
}

// Two messages as an arm64 kernel writes them: the credentials of process
// 32769, user 1000 and group 100, then the descriptors 5 and 1023.
var golden = []byte{
	/* 0x00 */ 28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // cmsg_len, without the padding at 0x1c
	/* 0x08 */ 0x01, 0x00, 0x00, 0x00, // cmsg_level = SOL_SOCKET
	/* 0x0c */ 0x02, 0x00, 0x00, 0x00, // cmsg_type = SCM_CREDENTIALS
	/* 0x10 */ 0x01, 0x80, 0x00, 0x00, // pid
	/* 0x14 */ 0xe8, 0x03, 0x00, 0x00, // uid
	/* 0x18 */ 0x64, 0x00, 0x00, 0x00, // gid
	/* 0x1c */ 0x00, 0x00, 0x00, 0x00, // padding: the next header is aligned to 8
	/* 0x20 */ 24, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // cmsg_len
	/* 0x28 */ 0x01, 0x00, 0x00, 0x00, // cmsg_level = SOL_SOCKET
	/* 0x2c */ 0x01, 0x00, 0x00, 0x00, // cmsg_type = SCM_RIGHTS
	/* 0x30 */ 0x05, 0x00, 0x00, 0x00, // a descriptor
	/* 0x34 */ 0xff, 0x03, 0x00, 0x00, // a descriptor
}

func TestIsTheGoldenBufferReadOnArm64(t *testing.T) {
	want := []fdpass.Control{
		{Level: 1, Type: 2, Data: []byte{0x01, 0x80, 0, 0, 0xe8, 0x03, 0, 0, 0x64, 0, 0, 0}},
		{Level: 1, Type: 1, Data: []byte{0x05, 0, 0, 0, 0xff, 0x03, 0, 0}},
	}
	var got []fdpass.Control
	for c, err := range fdpass.ParseControls(golden) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n\t%v, want\n\t%v", got, want)
	}
}

func TestIsTheGoldenBufferWrittenOnArm64(t *testing.T) {
	got := fdpass.AppendControl(nil, 1, 2, []byte{0x01, 0x80, 0, 0, 0xe8, 0x03, 0, 0, 0x64, 0, 0, 0})
	got = fdpass.AppendRights(got, 5, 1023)
	if !bytes.Equal(got, golden) {
		t.Errorf("\n\t% x, want\n\t% x", got, golden)
	}
}

// What the kernel writes differs from the golden buffer only in the numbers:
// process, user, group and descriptors.
func TestDoesTheKernelWriteTheGoldenBufferOnArm64(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorThread)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
	if err := syscall.SetsockoptInt(b, 1, 16, 1); err != nil { // SOL_SOCKET, SO_PASSCRED
		t.Fatal(err)
	}
	if err := fdpass.SendFDs(a, fdtest.FDs(t, 2)...); err != nil {
		t.Fatal(err)
	}
	var payload [4]byte
	var control [96]byte
	iov := rawmsg.Iovec{Base: &payload[0], Len: 4}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: &control[0], Controllen: 96}
	if _, err := rawmsg.Recvmsg(b, &h, 0); err != nil {
		t.Fatal(err)
	}
	if h.Controllen != 0x38 {
		t.Fatalf("msg_controllen is %d, want 56:\n% x", h.Controllen, control)
	}
	want := bytes.Clone(golden)
	copy(want[0x10:], control[0x10:0x1c])
	copy(want[0x30:], control[0x30:0x38])
	if !bytes.Equal(control[:0x38], want) {
		t.Errorf("\n\t% x, want\n\t% x", control[:0x38], want)
	}
	fdtest.Close(t, int(control[0x30])|int(control[0x31])<<8, int(control[0x34])|int(control[0x35])<<8)
}
