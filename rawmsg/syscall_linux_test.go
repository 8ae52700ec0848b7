package rawmsg_test

import (
	"reflect"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// Package syscall has a copy of these structs for each architecture, made from
// that architecture's C headers. It has none of mmsghdr.
func TestAreTheStructsThoseOfPackageSyscall(t *testing.T) {
	for _, c := range []struct{ ours, theirs reflect.Type }{
		{reflect.TypeFor[rawmsg.Iovec](), reflect.TypeFor[syscall.Iovec]()},
		{reflect.TypeFor[rawmsg.Msghdr](), reflect.TypeFor[syscall.Msghdr]()},
		{reflect.TypeFor[rawmsg.Cmsghdr](), reflect.TypeFor[syscall.Cmsghdr]()},
		{reflect.TypeFor[rawmsg.Ucred](), reflect.TypeFor[syscall.Ucred]()},
	} {
		if c.ours.Size() != c.theirs.Size() || c.ours.Align() != c.theirs.Align() {
			t.Errorf("%v has %d bytes aligned to %d, and %v %d aligned to %d",
				c.ours, c.ours.Size(), c.ours.Align(), c.theirs, c.theirs.Size(), c.theirs.Align())
		}
		ours, theirs := fieldsOf(c.ours), fieldsOf(c.theirs)
		if len(ours) == 0 || !reflect.DeepEqual(ours, theirs) {
			t.Errorf("%v has the fields (name, offset, size)\n\t%v, and %v\n\t%v",
				c.ours, ours, c.theirs, theirs)
		}
	}
}

func TestWhatIsNoTerminal(t *testing.T) {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(p[0])
	defer syscall.Close(p[1])
	if rows, columns, err := rawmsg.Winsize(p[0]); err != syscall.ENOTTY || rows != 0 || columns != 0 {
		t.Errorf("a pipe has %d rows and %d columns, %v", rows, columns, err)
	}
	terminal, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("/dev/ptmx: %v: needs pseudoterminals", err)
	}
	defer syscall.Close(terminal)
	if _, _, err := rawmsg.Winsize(terminal); err != nil {
		t.Errorf("a pseudoterminal: %v", err)
	}
}

func TestWhenHasAPeerHungUp(t *testing.T) {
	for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fds[1])
		syscall.Write(fds[0], []byte("x"))
		if is, err := rawmsg.HungUp(fds[1]); is || err != nil {
			t.Errorf("type %d: before it has: %v, %v", typ, is, err)
		}
		syscall.Close(fds[0])
		if is, err := rawmsg.HungUp(fds[1]); !is || err != nil {
			fdtest.SkipUnderGVisor(t, "older ones do not have POLLRDHUP for what is closed")
			t.Errorf("type %d: when it has, and a message is there: %v, %v", typ, is, err)
		}
	}
}

func TestAreTheBytesOfAllMessagesQueued(t *testing.T) {
	for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fds[1])
		for want, p := range []string{"", "x", "y", "z"} {
			syscall.Write(fds[0], []byte(p)) // which sends nothing on a stream if p is empty
			if n, err := rawmsg.Queued(fds[1]); n != want || err != nil {
				t.Errorf("type %d: %d bytes, %v, want %d", typ, n, err, want)
			}
		}
		syscall.Close(fds[0])
	}
	if _, err := rawmsg.Queued(-1); err != syscall.EBADF {
		t.Errorf("no socket: %v", err)
	}
}
