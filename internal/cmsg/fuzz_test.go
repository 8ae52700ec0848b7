package cmsg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// layouts are all that Linux has.
var layouts = []Layout{{8, false}, {8, true}, {4, false}, {4, true}}

// order returns the layout's byte order, as the standard library has it.
func (l Layout) order() binary.ByteOrder {
	if l.Big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// reference parses a buffer the way that CMSG_FIRSTHDR and CMSG_NXTHDR do: with
// an index, and each number from its place in struct cmsghdr.
func reference(l Layout, b []byte) (all []Control, bad bool) {
	header := map[int]int{4: 12, 8: 16}[l.Word]
	for i := 0; len(b)-i >= header; {
		length := uint64(l.order().Uint32(b[i:]))
		if l.Word == 8 {
			length = l.order().Uint64(b[i:])
		}
		if length < uint64(header) || length > uint64(len(b)-i) {
			return all, true
		}
		end := i + int(length)
		all = append(all, Control{
			Level: int32(l.order().Uint32(b[i+header-8:])),
			Type:  int32(l.order().Uint32(b[i+header-4:])),
			Data:  b[i+header : end],
		})
		for i = end; i%l.Word != 0; i++ {
		}
	}
	return all, false
}

func FuzzDoesNextFindWhatTheMacrosFind(f *testing.F) {
	for _, l := range layouts {
		b := l.AppendRights(nil, 1, []int{3, 4, 5})
		b = l.Append(b, 1, 2, make([]byte, 12))
		f.Add(b)
		f.Add(b[:len(b)-4]) // without the padding's room, or the last message cut
		f.Add(l.Append(b, -1, 1<<31-1, []byte("odd"))[:len(b)+l.HeaderLen()+3])
		f.Add(append(b, 1, 2, 3))
		for _, length := range []byte{0, 11, 15, 0xff} {
			f.Add(append(bytes.Clone(b), bytes.Repeat([]byte{length}, 24)...))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, l := range layouts {
			if err := compareWithReference(l, b); err != nil {
				t.Errorf("%+v: %v", l, err)
			}
		}
	})
}

func compareWithReference(l Layout, b []byte) error {
	want, bad := reference(l, b)
	rest := b
	for i := 0; ; i++ {
		c, next, ok, err := l.Next(rest)
		switch {
		case err != nil:
			if i != len(want) || !bad || !errors.Is(err, ErrMalformed) {
				return fmt.Errorf("error %v at message %d of %d, malformed after them: %v",
					err, i, len(want), bad)
			}
			return nil
		case !ok:
			if i != len(want) || bad {
				return fmt.Errorf("end at message %d of %d, malformed after them: %v", i, len(want), bad)
			}
			return nil
		case i >= len(want):
			return fmt.Errorf("more than %d messages", len(want))
		}
		w := want[i]
		if c.Level != w.Level || c.Type != w.Type || !bytes.Equal(c.Data, w.Data) {
			return fmt.Errorf("message %d: got %v, want %v", i, c, w)
		}
		if len(c.Data) != cap(c.Data) {
			return fmt.Errorf("message %d: appending to its data would write over what follows", i)
		}
		// What was found, written again, is what was there.
		again := l.Append(nil, int(c.Level), int(c.Type), c.Data)
		if n := l.Len(len(c.Data)); !bytes.Equal(again[:n], rest[:n]) || len(again) != l.Space(len(c.Data)) {
			return fmt.Errorf("message %d: %x became %x", i, rest[:n], again)
		}
		if len(next) >= len(rest) {
			return fmt.Errorf("message %d: no step forward", i)
		}
		rest = next
	}
}

func FuzzIsAppendTheInverseOfNext(f *testing.F) {
	f.Add(int32(1), int32(1), []byte{3, 0, 0, 0}, int32(0xffff), int32(-2), []byte("label"), uint8(1))
	f.Add(int32(0), int32(0), []byte{}, int32(-1), int32(84), []byte{1}, uint8(253))
	f.Fuzz(func(t *testing.T, level1, type1 int32, data1 []byte, level2, type2 int32, data2 []byte, n uint8) {
		fds := make([]int, n)
		for i := range fds {
			fds[i] = int(level1) + i
		}
		for _, l := range layouts {
			b := l.Append([]byte("before.."), int(level1), int(type1), data1)
			b = l.AppendRights(b, int(level2), fds)
			b = l.Append(b, int(level2), int(type2), data2)
			if want := 8 + l.Space(len(data1)) + l.Space(4*len(fds)) + l.Space(len(data2)); len(b) != want {
				t.Errorf("%+v: %d bytes, want %d", l, len(b), want)
			}
			rights := make([]byte, 4*len(fds))
			for i, fd := range fds {
				l.order().PutUint32(rights[4*i:], uint32(fd))
			}
			rest := b[8:]
			for i, want := range []Control{
				{level1, type1, data1},
				{level2, 1, rights},
				{level2, type2, data2},
			} {
				c, next, ok, err := l.Next(rest)
				if !ok || err != nil || c.Level != want.Level || c.Type != want.Type ||
					!bytes.Equal(c.Data, want.Data) {
					t.Fatalf("%+v: message %d: got %v, %v, %v, want %v", l, i, c, ok, err, want)
				}
				rest = next
			}
			if len(rest) != 0 {
				t.Errorf("%+v: %x is left", l, rest)
			}
		}
	})
}

func FuzzIsASizeWhatTheMacrosSay(f *testing.F) {
	f.Add(uint16(0))
	f.Add(uint16(4))
	f.Add(uint16(1012))
	f.Fuzz(func(t *testing.T, n uint16) {
		for _, l := range layouts {
			a, length, space := l.Align(int(n)), l.Len(int(n)), l.Space(int(n))
			if a < int(n) || a >= int(n)+l.Word || a%l.Word != 0 {
				t.Errorf("%+v: Align(%d) = %d", l, n, a)
			}
			if length-int(n) != l.HeaderLen() || space-length != a-int(n) || space%l.Word != 0 {
				t.Errorf("%+v: Len(%d) = %d, Space = %d", l, n, length, space)
			}
		}
	})
}
