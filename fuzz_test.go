//go:build linux

package fdpass_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// addBuffers gives a target some control buffers to start from.
func addBuffers(f *testing.F) {
	one := fdpass.AppendRights(nil, 0, 1, 2)
	two := fdpass.AppendControl(one, rawmsg.SOL_SOCKET, rawmsg.SCM_CREDENTIALS, make([]byte, 12))
	f.Add([]byte{})
	f.Add(one)
	f.Add(two)
	f.Add(two[:len(two)-fdpass.CmsgSpace(0)])
	f.Add(append(two, make([]byte, fdpass.CmsgSpace(0))...)) // a length of 0
	f.Add(fdpass.AppendControl(two, rawmsg.SOL_SOCKET, rawmsg.SCM_RIGHTS, make([]byte, 6)))
	f.Add(fdpass.AppendRights(nil, slices.Repeat([]int{0}, rawmsg.SCM_MAX_FD)...))
}

func FuzzDoesParseControlsAgreeWithSyscall(f *testing.F) {
	addBuffers(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []fdpass.Control
		var bad error
		for c, err := range fdpass.ParseControls(b) {
			if bad != nil {
				t.Fatal("something came after an error")
			}
			if bad = err; err == nil {
				got = append(got, c)
			}
		}
		// Package syscall gives up everything for one malformed message.
		want, err := syscall.ParseSocketControlMessage(b)
		if (err != nil) != (bad != nil) || bad != nil && !errors.Is(bad, fdpass.ErrMalformed) {
			t.Fatalf("error %v; package syscall: %v", bad, err)
		}
		if err != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%d messages; package syscall: %d", len(got), len(want))
		}
		for i, c := range got {
			w := want[i]
			if c.Level != int(w.Header.Level) || c.Type != int(w.Header.Type) ||
				!bytes.Equal(c.Data, w.Data) {
				t.Errorf("message %d: %v; package syscall: %v", i, c, w)
			}
			compareValues(t, c, w)
		}
	})
}

// compareValues compares what package syscall says about the data of a message. It
// leaves out what package syscall gets wrong: it panics on rights that are not a whole
// number of ints, and takes an errno for a descriptor.
func compareValues(t *testing.T, c fdpass.Control, w syscall.SocketControlMessage) {
	fds, err := c.Rights(nil)
	if err == nil && isRights(c) {
		if want, err := syscall.ParseUnixRights(&w); err != nil || !slices.Equal(fds, want) {
			t.Errorf("descriptors %v; package syscall: %v, %v", fds, want, err)
		}
	}
	cred, ok := c.Credentials()
	if want, err := syscall.ParseUnixCredentials(&w); err == nil {
		if !ok || cred != (fdpass.Credentials{want.Pid, want.Uid, want.Gid}) {
			t.Errorf("credentials %v, %v; package syscall: %v", cred, ok, want)
		}
	}
}

// FuzzDoesAnySendLeak sends control buffers of any form, with real descriptors in
// them, and receives what the kernel lets through.
func FuzzDoesAnySendLeak(f *testing.F) {
	fdtest.SkipUnderQemuUser(f, "it crashes on a malformed control buffer")
	addBuffers(f)
	f.Fuzz(func(t *testing.T, control []byte) {
		for _, typ := range fdtest.Types {
			sendAnything(t, typ, control)
		}
	})
}

func sendAnything(t *testing.T, typ int, control []byte) {
	before := fdtest.Count(t)
	pair, err := syscall.Socketpair(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	control = bytes.Clone(control)
	for c := range fdpass.ParseControls(control) {
		for i := 0; isRights(c) && i+4 <= len(c.Data); i += 4 {
			binary.NativeEndian.PutUint32(c.Data[i:], uint32(pair[c.Data[i]&1])) // one of the two
		}
	}
	n, serr := fdtest.Sendmsg(pair[0], []byte("x"), control, 0)
	r, err := fdpass.NewReceiver(fdpass.Socket(pair[1]), fdpass.Options{
		MaxFDs: len(control) % 3, Credentials: len(control)%2 == 0 && !fdtest.Portable,
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Recv(make([]byte, 8))
	if sent := serr == nil; sent != (m != nil) || sent != (n == 1) || m != nil && string(m.Payload()) != "x" {
		t.Errorf("sent %d, %v; received %v, %v", n, serr, m, err)
	}
	if m != nil {
		m.Close()
	}
	syscall.Close(pair[0])
	syscall.Close(pair[1])
	// Sockets are closed in the background.
	for end := fdtest.Soon(); fdtest.Count(t) != before; {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors before, %d after", before, fdtest.Count(t))
		}
		runtime.Gosched()
	}
}

// isRights reports whether c carries descriptors.
func isRights(c fdpass.Control) bool {
	return c.Level == rawmsg.SOL_SOCKET && c.Type == rawmsg.SCM_RIGHTS
}
