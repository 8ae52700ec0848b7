package fdtest

import (
	"math/bits"
	"time"
)

// Soon returns a deadline for what should come at once. It is one that a busy machine,
// and one that is emulated, keep as well.
func Soon() time.Time { return time.Now().Add(time.Minute) }

// ByWord returns the one of two numbers that holds for this machine's word size.
func ByWord(on64, on32 int) int {
	if bits.UintSize == 64 {
		return on64
	}
	return on32
}
