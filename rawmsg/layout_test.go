package rawmsg_test

import (
	"bytes"
	"reflect"
	"runtime"
	"testing"
	"unsafe"

	"example.com/fdpass/rawmsg"
)

// field is one field of a struct: where it begins and how long it is, in bytes.
type field struct {
	name         string
	offset, size uintptr
}

// layout is a struct in memory, numbers from C's offsetof and sizeof.
type layout struct {
	typ         reflect.Type
	size, align uintptr
	fields      []field
}

// layouts64 is for machines on which a pointer, a size_t and a long have 8 bytes.
var layouts64 = []layout{
	{reflect.TypeFor[rawmsg.Iovec](), 16, 8, []field{
		{"Base", 0, 8},
		{"Len", 8, 8},
	}},
	{reflect.TypeFor[rawmsg.Msghdr](), 56, 8, []field{
		{"Name", 0, 8},
		{"Namelen", 8, 4}, // 4 bytes of padding follow
		{"Iov", 16, 8},
		{"Iovlen", 24, 8},
		{"Control", 32, 8},
		{"Controllen", 40, 8},
		{"Flags", 48, 4}, // 4 bytes of padding follow
	}},
	{reflect.TypeFor[rawmsg.Cmsghdr](), 16, 8, []field{
		{"Len", 0, 8},
		{"Level", 8, 4},
		{"Type", 12, 4},
	}},
	{reflect.TypeFor[rawmsg.Mmsghdr](), 64, 8, []field{
		{"Hdr", 0, 56},
		{"Len", 56, 4}, // 4 bytes of padding follow
	}},
	{reflect.TypeFor[rawmsg.Ucred](), 12, 4, []field{
		{"Pid", 0, 4},
		{"Uid", 4, 4},
		{"Gid", 8, 4},
	}},
}

// layouts32 is for machines on which they have 4 bytes. There is no padding.
var layouts32 = []layout{
	{reflect.TypeFor[rawmsg.Iovec](), 8, 4, []field{
		{"Base", 0, 4},
		{"Len", 4, 4},
	}},
	{reflect.TypeFor[rawmsg.Msghdr](), 28, 4, []field{
		{"Name", 0, 4},
		{"Namelen", 4, 4},
		{"Iov", 8, 4},
		{"Iovlen", 12, 4},
		{"Control", 16, 4},
		{"Controllen", 20, 4},
		{"Flags", 24, 4},
	}},
	{reflect.TypeFor[rawmsg.Cmsghdr](), 12, 4, []field{
		{"Len", 0, 4},
		{"Level", 4, 4},
		{"Type", 8, 4},
	}},
	{reflect.TypeFor[rawmsg.Mmsghdr](), 32, 4, []field{
		{"Hdr", 0, 28},
		{"Len", 28, 4},
	}},
	{reflect.TypeFor[rawmsg.Ucred](), 12, 4, []field{
		{"Pid", 0, 4},
		{"Uid", 4, 4},
		{"Gid", 8, 4},
	}},
}

// kind describes all machines on which the structs are the same bytes.
type kind struct {
	layouts []layout
	// A Cmsghdr{Len: 20, Level: 0x0102, Type: 3}, the length being that of one
	// descriptor on 64-bit machines.
	cmsghdr []byte
	// A Msghdr{Namelen: 110, Iovlen: 1, Controllen: 24, Flags: 0x40000008}
	// without pointers.
	msghdr []byte
}

var (
	little64 = kind{
		layouts: layouts64,
		cmsghdr: []byte{
			20, 0, 0, 0, 0, 0, 0, 0, // cmsg_len
			2, 1, 0, 0, // cmsg_level
			3, 0, 0, 0, // cmsg_type
		},
		msghdr: []byte{
			0, 0, 0, 0, 0, 0, 0, 0, // msg_name
			110, 0, 0, 0, // msg_namelen
			0, 0, 0, 0, // padding
			0, 0, 0, 0, 0, 0, 0, 0, // msg_iov
			1, 0, 0, 0, 0, 0, 0, 0, // msg_iovlen
			0, 0, 0, 0, 0, 0, 0, 0, // msg_control
			24, 0, 0, 0, 0, 0, 0, 0, // msg_controllen
			8, 0, 0, 0x40, // msg_flags
			0, 0, 0, 0, // padding
		},
	}
	big64 = kind{
		layouts: layouts64,
		cmsghdr: []byte{
			0, 0, 0, 0, 0, 0, 0, 20, // cmsg_len
			0, 0, 1, 2, // cmsg_level
			0, 0, 0, 3, // cmsg_type
		},
		msghdr: []byte{
			0, 0, 0, 0, 0, 0, 0, 0, // msg_name
			0, 0, 0, 110, // msg_namelen
			0, 0, 0, 0, // padding
			0, 0, 0, 0, 0, 0, 0, 0, // msg_iov
			0, 0, 0, 0, 0, 0, 0, 1, // msg_iovlen
			0, 0, 0, 0, 0, 0, 0, 0, // msg_control
			0, 0, 0, 0, 0, 0, 0, 24, // msg_controllen
			0x40, 0, 0, 8, // msg_flags
			0, 0, 0, 0, // padding
		},
	}
	little32 = kind{
		layouts: layouts32,
		cmsghdr: []byte{
			20, 0, 0, 0, // cmsg_len
			2, 1, 0, 0, // cmsg_level
			3, 0, 0, 0, // cmsg_type
		},
		msghdr: []byte{
			0, 0, 0, 0, // msg_name
			110, 0, 0, 0, // msg_namelen
			0, 0, 0, 0, // msg_iov
			1, 0, 0, 0, // msg_iovlen
			0, 0, 0, 0, // msg_control
			24, 0, 0, 0, // msg_controllen
			8, 0, 0, 0x40, // msg_flags
		},
	}
	big32 = kind{
		layouts: layouts32,
		cmsghdr: []byte{
			0, 0, 0, 20, // cmsg_len
			0, 0, 1, 2, // cmsg_level
			0, 0, 0, 3, // cmsg_type
		},
		msghdr: []byte{
			0, 0, 0, 0, // msg_name
			0, 0, 0, 110, // msg_namelen
			0, 0, 0, 0, // msg_iov
			0, 0, 0, 1, // msg_iovlen
			0, 0, 0, 0, // msg_control
			0, 0, 0, 24, // msg_controllen
			0x40, 0, 0, 8, // msg_flags
		},
	}
)

var kinds = map[string]kind{
	"386": little32, "arm": little32, "mipsle": little32,
	"mips":  big32,
	"amd64": little64, "arm64": little64, "loong64": little64,
	"mips64le": little64, "ppc64le": little64, "riscv64": little64,
	"mips64": big64, "ppc64": big64, "s390x": big64,
}

func here(t *testing.T) kind {
	t.Helper()
	k, ok := kinds[runtime.GOARCH]
	if !ok {
		t.Fatalf("no layout is known for %s", runtime.GOARCH)
	}
	return k
}

func TestIsEveryFieldWhereTheKernelLooksForIt(t *testing.T) {
	for _, want := range here(t).layouts {
		if want.typ.Size() != want.size || uintptr(want.typ.Align()) != want.align {
			t.Errorf("%v has %d bytes aligned to %d, want %d aligned to %d",
				want.typ, want.typ.Size(), want.typ.Align(), want.size, want.align)
		}
		got := fieldsOf(want.typ)
		if !reflect.DeepEqual(got, want.fields) {
			t.Errorf("%v has the fields (name, offset, size)\n\t%v, want\n\t%v",
				want.typ, got, want.fields)
		}
	}
}

// fieldsOf leaves out what has no name or is padding.
func fieldsOf(typ reflect.Type) (fields []field) {
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Name != "_" && f.Name[:3] != "Pad" {
			fields = append(fields, field{f.Name, f.Offset, f.Type.Size()})
		}
	}
	return fields
}

func TestWhatIsACmsghdrInMemory(t *testing.T) {
	h := rawmsg.Cmsghdr{Len: 20, Level: 0x0102, Type: 3}
	// unsafe.Pointer rule 1: an array of bytes as long as the struct.
	got := unsafe.Slice((*byte)(unsafe.Pointer(&h)), unsafe.Sizeof(h))
	if want := here(t).cmsghdr; !bytes.Equal(got, want) {
		t.Errorf("\n\t% x, want\n\t% x", got, want)
	}
}

func TestWhatIsAMsghdrInMemory(t *testing.T) {
	h := rawmsg.Msghdr{Namelen: 110, Iovlen: 1, Controllen: 24, Flags: 0x40000008}
	// unsafe.Pointer rule 1: an array of bytes as long as the struct.
	got := unsafe.Slice((*byte)(unsafe.Pointer(&h)), unsafe.Sizeof(h))
	if want := here(t).msghdr; !bytes.Equal(got, want) {
		t.Errorf("\n\t% x, want\n\t% x", got, want)
	}
}
