package rawmsg_test

import (
	"reflect"
	"syscall"
	"testing"

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
			t.Errorf("%v has the fields (name, offset, size)\n\t%v, and %v\n\t%v", c.ours, ours, c.theirs, theirs)
		}
	}
}
