package fdtest

import "testing"

// GVisorPrefix begins the reason of every skip that [SkipUnderGVisor] makes, so
// that what runs the tests can tell such skips from all others.
const GVisorPrefix = "gVisor: "

// Reasons for [SkipUnderGVisor] that several files have.
const (
	GVisorOptions = "its setsockopt accepts this option, and nothing comes of it"
	GVisorThread  = "its credentials have the number of the sending thread, not of the process"
	GVisorPeer    = "SO_PEERCRED describes the process that asks, which is no answer"
	GVisorTable   = "where some descriptors find a place in the table and some do not, nothing says so"
	GVisorEmpty   = "an empty message is never delivered, nor are its descriptors"
	GVisorEnd     = "with SO_PASSCRED, the end of a seqpacket connection looks like an empty message"
	GVisorLinger  = "a close that lingers may wait there although the connection has been reset"
	GVisorTrace   = "fdpass trace needs PTRACE_GET_SYSCALL_INFO, which it does not have"
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
