package cmsg_test

import (
	"bytes"
	"testing"

	"example.com/fdpass/internal/cmsg"
)

// The descriptors 3 and 260 after credentials of process 4660, user 0 and
// group 65534, as each of the four kinds of machine has them in memory. The
// last has MIPS's SOL_SOCKET, for a level with more than one byte.
var kinds = []struct {
	name   string
	layout cmsg.Layout
	level  int
	buffer []byte
}{
	{"64-bit little-endian", cmsg.Layout{Word: 8}, 1, []byte{
		28, 0, 0, 0, 0, 0, 0, 0, // cmsg_len: 16 + 12
		1, 0, 0, 0, // cmsg_level: SOL_SOCKET
		2, 0, 0, 0, // cmsg_type: SCM_CREDENTIALS
		0x34, 0x12, 0, 0, // pid
		0, 0, 0, 0, // uid
		0xfe, 0xff, 0, 0, // gid
		0, 0, 0, 0, // padding
		24, 0, 0, 0, 0, 0, 0, 0, // cmsg_len: 16 + 2*4
		1, 0, 0, 0, // cmsg_level: SOL_SOCKET
		1, 0, 0, 0, // cmsg_type: SCM_RIGHTS
		3, 0, 0, 0, // a descriptor
		4, 1, 0, 0, // and another
	}},
	{"64-bit big-endian", cmsg.Layout{Word: 8, Big: true}, 1, []byte{
		0, 0, 0, 0, 0, 0, 0, 28, // cmsg_len: 16 + 12
		0, 0, 0, 1, // cmsg_level: SOL_SOCKET
		0, 0, 0, 2, // cmsg_type: SCM_CREDENTIALS
		0, 0, 0x12, 0x34, // pid
		0, 0, 0, 0, // uid
		0, 0, 0xff, 0xfe, // gid
		0, 0, 0, 0, // padding
		0, 0, 0, 0, 0, 0, 0, 24, // cmsg_len: 16 + 2*4
		0, 0, 0, 1, // cmsg_level: SOL_SOCKET
		0, 0, 0, 1, // cmsg_type: SCM_RIGHTS
		0, 0, 0, 3, // a descriptor
		0, 0, 1, 4, // and another
	}},
	{"32-bit little-endian", cmsg.Layout{Word: 4}, 1, []byte{
		24, 0, 0, 0, // cmsg_len: 12 + 12
		1, 0, 0, 0, // cmsg_level: SOL_SOCKET
		2, 0, 0, 0, // cmsg_type: SCM_CREDENTIALS
		0x34, 0x12, 0, 0, // pid
		0, 0, 0, 0, // uid
		0xfe, 0xff, 0, 0, // gid
		20, 0, 0, 0, // cmsg_len: 12 + 2*4
		1, 0, 0, 0, // cmsg_level: SOL_SOCKET
		1, 0, 0, 0, // cmsg_type: SCM_RIGHTS
		3, 0, 0, 0, // a descriptor
		4, 1, 0, 0, // and another
	}},
	{"32-bit big-endian", cmsg.Layout{Word: 4, Big: true}, 0xffff, []byte{
		0, 0, 0, 24, // cmsg_len: 12 + 12
		0, 0, 0xff, 0xff, // cmsg_level: SOL_SOCKET on MIPS
		0, 0, 0, 2, // cmsg_type: SCM_CREDENTIALS
		0, 0, 0x12, 0x34, // pid
		0, 0, 0, 0, // uid
		0, 0, 0xff, 0xfe, // gid
		0, 0, 0, 20, // cmsg_len: 12 + 2*4
		0, 0, 0xff, 0xff, // cmsg_level: SOL_SOCKET on MIPS
		0, 0, 0, 1, // cmsg_type: SCM_RIGHTS
		0, 0, 0, 3, // a descriptor
		0, 0, 1, 4, // and another
	}},
}

func TestDoesEveryKindOfMachineReadItsOwnBuffer(t *testing.T) {
	for _, k := range kinds {
		l := k.layout
		c, rest, ok, err := l.Next(k.buffer)
		if !ok || err != nil || int(c.Level) != k.level || c.Type != 2 || len(c.Data) != 12 {
			t.Fatalf("%s: the first message is %+v, %v, %v", k.name, c, ok, err)
		}
		pid, uid, gid := l.Uint32(c.Data), l.Uint32(c.Data[4:]), l.Uint32(c.Data[8:])
		if pid != 4660 || uid != 0 || gid != 65534 {
			t.Errorf("%s: the credentials are %d, %d, %d", k.name, pid, uid, gid)
		}
		c, rest, ok, err = l.Next(rest)
		if !ok || err != nil || int(c.Level) != k.level || c.Type != 1 || len(c.Data) != 8 {
			t.Fatalf("%s: the second message is %+v, %v, %v", k.name, c, ok, err)
		}
		if a, b := l.Uint32(c.Data), l.Uint32(c.Data[4:]); a != 3 || b != 260 {
			t.Errorf("%s: the descriptors are %d and %d", k.name, a, b)
		}
		if _, _, ok, err = l.Next(rest); ok || err != nil {
			t.Errorf("%s: after the last message: %v, %v", k.name, ok, err)
		}
	}
}

func TestDoesEveryKindOfMachineWriteItsOwnBuffer(t *testing.T) {
	for _, k := range kinds {
		at := k.layout.HeaderLen() // the credentials' own bytes are copied, not encoded
		got := k.layout.Append(nil, k.level, 2, k.buffer[at:at+12])
		got = k.layout.AppendRights(got, k.level, []int{3, 260})
		if !bytes.Equal(got, k.buffer) {
			t.Errorf("%s:\n\t% x, want\n\t% x", k.name, got, k.buffer)
		}
	}
}

func TestDoesAForeignBufferReadWrong(t *testing.T) {
	for _, k := range kinds {
		for _, other := range kinds {
			if other.name == k.name {
				continue
			}
			c, _, ok, err := other.layout.Next(k.buffer)
			if ok && err == nil && int(c.Level) == k.level && c.Type == 2 {
				t.Errorf("a buffer of a %s machine reads the same on a %s one", k.name, other.name)
			}
		}
	}
}
