package fdtest

import "testing"

// GVisorPrefix begins the reason of every skip that [SkipUnderGVisor] makes, so
// that what runs the tests can tell such skips from all others.
const GVisorPrefix = "gVisor: "

// Reasons for [SkipUnderGVisor] that several files have.
const (
	GVisorOptions = "its setsockopt accepts this option, and nothing comes of it"
	GVisorThread  = "its credentials have the number of the sending thread, not of the process"
	GVisorTable   = "a full table loses descriptors there and nothing says so"
	GVisorEmpty   = "an empty message is never delivered, nor are its descriptors"
	GVisorEnd     = "with SO_PASSCRED, the end of a seqpacket connection looks like an empty message"
	GVisorErrors  = "it has other errors there"
)

// SkipUnderGVisor skips t under gVisor, and nowhere else. It is for tests that describe
// what Linux does, if gVisor does something else. why says what that is.
func SkipUnderGVisor(t testing.TB, why string) {
	t.Helper()
	if underGVisor() {
		t.Skip(GVisorPrefix + why)
	}
}
