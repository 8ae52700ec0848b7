package fdtest

import (
	"syscall"
	"testing"

	"example.com/fdpass/rawmsg"
)

// SetOption sets a socket option, or skips the test where the kernel does not
// have it.
func SetOption(t testing.TB, fd, option, value int, name string) {
	t.Helper()
	err := syscall.SetsockoptInt(fd, rawmsg.SOL_SOCKET, option, value)
	// gVisor ignores an option that it does not know. No kernel can be asked for SO_INQ.
	if err == nil && option != rawmsg.SO_INQ {
		_, err = syscall.GetsockoptInt(fd, rawmsg.SOL_SOCKET, option)
	}
	if err == syscall.ENOPROTOOPT || err == syscall.EOPNOTSUPP {
		t.Skipf("this kernel has no %s: %v", name, err)
	}
	if err != nil {
		t.Fatalf("setsockopt %s: %v", name, err)
	}
}

// TimestampForms are the four forms of timestamps. The control message has the
// number of the option as its type.
var TimestampForms = []struct {
	Name   string
	Option int
	Size   int // of the message's data
}{
	{"SO_TIMESTAMP_OLD", rawmsg.SO_TIMESTAMP_OLD, ByWord(16, 8)},
	{"SO_TIMESTAMPNS_OLD", rawmsg.SO_TIMESTAMPNS_OLD, ByWord(16, 8)},
	{"SO_TIMESTAMP_NEW", rawmsg.SO_TIMESTAMP_NEW, 16},
	{"SO_TIMESTAMPNS_NEW", rawmsg.SO_TIMESTAMPNS_NEW, 16},
}
