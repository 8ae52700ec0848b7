package fdpass

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The functions of this file read and write the numbers in control messages, in the
// layout of the machine that the package was compiled for. internal/cmsg knows all
// layouts, which takes longer.

// wordAt reads the size_t that b begins with.
func wordAt(b []byte) uint {
	if bits.UintSize == 64 {
		return uint(binary.NativeEndian.Uint64(b))
	}
	return uint(binary.NativeEndian.Uint32(b))
}

// putWord writes a size_t.
func putWord(b []byte, v uint) {
	if bits.UintSize == 64 {
		binary.NativeEndian.PutUint64(b, uint64(v))
	} else {
		binary.NativeEndian.PutUint32(b, uint32(v))
	}
}

// intAt reads the C int that b begins with.
func intAt(b []byte) int { return int(int32(binary.NativeEndian.Uint32(b))) }

// uintAt reads the C unsigned int that b begins with.
func uintAt(b []byte) int { return int(binary.NativeEndian.Uint32(b)) }

// putInt writes a C int.
func putInt(b []byte, v int) { binary.NativeEndian.PutUint32(b, uint32(v)) }

// getInts reads len(dst) C ints from data, and returns their bitwise or, which is
// negative if one of them is. No descriptor is negative. So it reads unsigned
// numbers, eight at a time, and reads them again if there is a sign among them:
// that takes 0.7 of the time for 253 of them (BenchmarkParse).
func getInts(dst []int, data []byte) (or int) {
	rest, b, all := dst, data, uint32(0)
	for len(rest) >= 8 && len(b) >= 32 {
		in, out := (*[32]byte)(b), (*[8]int)(rest)
		out[0] = uintAt(in[0:])
		all |= uint32(out[0])
		out[1] = uintAt(in[4:])
		all |= uint32(out[1])
		out[2] = uintAt(in[8:])
		all |= uint32(out[2])
		out[3] = uintAt(in[12:])
		all |= uint32(out[3])
		out[4] = uintAt(in[16:])
		all |= uint32(out[4])
		out[5] = uintAt(in[20:])
		all |= uint32(out[5])
		out[6] = uintAt(in[24:])
		all |= uint32(out[6])
		out[7] = uintAt(in[28:])
		all |= uint32(out[7])
		rest, b = rest[8:], b[32:]
	}
	for i := range rest {
		rest[i] = uintAt(b)
		all |= uint32(rest[i])
		b = b[4:]
	}
	if or = int(int32(all)); or < 0 {
		for i := range dst {
			dst[i] = intAt(data[4*i:])
		}
	}
	return or
}

// putInts writes fds as C ints. It writes eight at a time and looks only once for
// numbers that cannot be descriptors. That makes writing 253 of them five times as
// fast (BenchmarkAppend).
func putInts(b []byte, fds []int) {
	rest, to, or := fds, b, 0
	for len(rest) >= 8 && len(to) >= 32 {
		in, out := (*[8]int)(rest), (*[32]byte)(to)
		or |= in[0]
		putInt(out[0:], in[0])
		or |= in[1]
		putInt(out[4:], in[1])
		or |= in[2]
		putInt(out[8:], in[2])
		or |= in[3]
		putInt(out[12:], in[3])
		or |= in[4]
		putInt(out[16:], in[4])
		or |= in[5]
		putInt(out[20:], in[5])
		or |= in[6]
		putInt(out[24:], in[6])
		or |= in[7]
		putInt(out[28:], in[7])
		rest, to = rest[8:], to[32:]
	}
	for _, fd := range rest {
		or |= fd
		putInt(to, fd)
		to = to[4:]
	}
	if or != or&math.MaxInt32 {
		putNone(b, fds)
	}
}

// putNone writes -1, which is never a descriptor, in the place of each number that
// is not a C int. Its lower 32 bits might be the number of another descriptor.
func putNone(b []byte, fds []int) {
	for i, fd := range fds {
		if fd != int(int32(fd)) {
			putInt(b[4*i:], -1)
		}
	}
}
