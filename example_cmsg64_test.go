//go:build linux && !386 && !arm && !mips && !mipsle

package fdpass_test

import (
	"fmt"

	"example.com/fdpass"
)

// The lengths depend on the word size. These are the ones of a 64-bit machine.

func ExampleCmsgAlign() {
	fmt.Println(fdpass.CmsgAlign(0), fdpass.CmsgAlign(4), fdpass.CmsgAlign(8), fdpass.CmsgAlign(12))
	// Output: 0 8 8 16
}

// The length is that of the header, and 4 bytes for each descriptor.
func ExampleCmsgLen() {
	fmt.Println(fdpass.CmsgLen(0), fdpass.CmsgLen(4), fdpass.CmsgLen(8), fdpass.CmsgLen(12))
	// Output: 16 20 24 28
}

// The kernel may let more descriptors through than a buffer was meant for: it counts
// the ints that fit after the header, and the padding counts as room.
func ExampleCmsgSpace() {
	fmt.Println(fdpass.CmsgSpace(0), fdpass.CmsgSpace(4), fdpass.CmsgSpace(8), fdpass.CmsgSpace(12))
	fmt.Println("CMSG_SPACE admits", (fdpass.CmsgSpace(4)-fdpass.CmsgLen(0))/4)
	fmt.Println("CMSG_LEN admits", (fdpass.CmsgLen(4)-fdpass.CmsgLen(0))/4)
	// Output:
	// 16 24 24 32
	// CMSG_SPACE admits 2
	// CMSG_LEN admits 1
}
