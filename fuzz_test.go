//go:build linux

package fdpass

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// addBuffers gives a target some control buffers to start from.
func addBuffers(f *testing.F) {
	one := AppendRights(nil, 0, 1, 2)
	two := AppendControl(one, rawmsg.SOL_SOCKET, rawmsg.SCM_CREDENTIALS, make([]byte, credentialsLen))
	f.Add([]byte{})
	f.Add(one)
	f.Add(two)
	f.Add(two[:len(two)-CmsgSpace(0)])
	f.Add(append(two, make([]byte, CmsgSpace(0))...)) // a length of 0
	f.Add(AppendControl(two, rawmsg.SOL_SOCKET, rawmsg.SCM_RIGHTS, make([]byte, 6)))
	f.Add(AppendRights(nil, slices.Repeat([]int{0}, rawmsg.SCM_MAX_FD)...))
}

func FuzzDoesParseControlsAgreeWithSyscall(f *testing.F) {
	addBuffers(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var got []Control
		var bad error
		for c, err := range ParseControls(b) {
			if bad != nil {
				t.Fatal("something came behind an error")
			}
			if bad = err; err == nil {
				got = append(got, c)
			}
		}
		// Package syscall gives up everything for one malformed message.
		want, err := syscall.ParseSocketControlMessage(b)
		if (err != nil) != (bad != nil) || bad != nil && !errors.Is(bad, ErrMalformed) {
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
			if c.Level != int(w.Header.Level) || c.Type != int(w.Header.Type) || !bytes.Equal(c.Data, w.Data) {
				t.Errorf("message %d: %v; package syscall: %v", i, c, w)
			}
			compareValues(t, c, w)
		}
	})
}

// compareValues asks package syscall what it knows of a message's data, but for
// what it gets wrong: it panics on rights that are not whole numbers, and takes
// an errno in a slot for a descriptor.
func compareValues(t *testing.T, c Control, w syscall.SocketControlMessage) {
	fds, err := c.Rights(nil)
	if err == nil && c.is(rawmsg.SCM_RIGHTS) {
		if want, err := syscall.ParseUnixRights(&w); err != nil || !slices.Equal(fds, want) {
			t.Errorf("descriptors %v; package syscall: %v, %v", fds, want, err)
		}
	}
	cred, ok := c.Credentials()
	if want, err := syscall.ParseUnixCredentials(&w); err == nil {
		if !ok || cred != (Credentials{want.Pid, want.Uid, want.Gid}) {
			t.Errorf("credentials %v, %v; package syscall: %v", cred, ok, want)
		}
	}
}

func FuzzIsAnyDataGoodForEveryValue(f *testing.F) {
	f.Add(uint8(0), []byte{3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2})
	f.Add(uint8(1), make([]byte, 16))
	f.Add(uint8(3), []byte{0xe8, 0xff, 0xff, 0xff})
	f.Add(uint8(5), bytes.Repeat([]byte{0xff}, 16))
	types := []int{rawmsg.SCM_RIGHTS, rawmsg.SCM_CREDENTIALS, rawmsg.SCM_SECURITY, rawmsg.SCM_PIDFD, rawmsg.SCM_INQ,
		rawmsg.SCM_TIMESTAMP, rawmsg.SCM_TIMESTAMPNS, rawmsg.SCM_TIMESTAMP_NEW, rawmsg.SCM_TIMESTAMPNS_NEW}
	f.Fuzz(func(t *testing.T, typ uint8, data []byte) {
		c := Control{rawmsg.SOL_SOCKET, types[int(typ)%len(types)], data}
		fds, err := c.Rights([]int{-7})
		if fds[0] != -7 || slices.ContainsFunc(fds[1:], func(fd int) bool { return fd < 0 || fd > math.MaxInt32 }) {
			t.Errorf("descriptors %v", fds)
		}
		if c.is(rawmsg.SCM_RIGHTS) && err == nil && 4*(len(fds)-1) != len(data) {
			t.Errorf("%d descriptors in %d bytes", len(fds)-1, len(data))
		}
		if fd, err := c.PIDFD(); (fd < 0) != (err != nil) {
			t.Errorf("pidfd %d, %v", fd, err)
		}
		if cred, ok := c.Credentials(); ok {
			out := Outgoing{Credentials: &cred}
			if again := out.appendControl(nil); !bytes.Equal(again[CmsgLen(0):CmsgLen(12)], data[:12]) {
				t.Errorf("credentials %x became %x", data, again)
			}
		}
		c.SecurityLabel()
		c.QueuedBytes()
		c.Timestamp()
		c.Level++
		if _, ok := c.Timestamp(); ok || c.is(c.Type) {
			t.Error("a message of another level was understood")
		}
	})
}

func FuzzDoesAnAddressStayTheSame(f *testing.F) {
	f.Add([]byte("/run/socket\x00"))
	f.Add([]byte("\x00abstract\x00name"))
	f.Add(bytes.Repeat([]byte("x"), sockaddrLen-2))
	f.Fuzz(func(t *testing.T, name []byte) {
		first := parseSockaddr(append(binary.NativeEndian.AppendUint16(nil, afUnix), name...), "unixgram")
		if first == nil {
			return
		}
		b, err := appendSockaddr(nil, first)
		if err != nil {
			if first.Name != "" && len(first.Name) <= sockaddrLen-2 {
				t.Errorf("%q: %v", first.Name, err)
			}
			return
		}
		if len(b) > sockaddrLen {
			t.Errorf("%q takes up %d bytes", first.Name, len(b))
		}
		if again := parseSockaddr(b, "unixgram"); again == nil || again.Name != first.Name {
			t.Errorf("%q became %v", first.Name, again)
		}
	})
}

// FuzzDoesAnySendLeak gives the kernel control buffers of any form, in which the
// descriptors are real ones, and receives what it lets through.
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
	for c := range ParseControls(control) {
		for i := 0; c.is(rawmsg.SCM_RIGHTS) && i+4 <= len(c.Data); i += 4 {
			binary.NativeEndian.PutUint32(c.Data[i:], uint32(pair[c.Data[i]&1])) // one of the two
		}
	}
	var h rawmsg.Msghdr
	var iov rawmsg.Iovec
	setPiece(&iov, []byte("x"))
	fillHeader(&h, &iov, control, nil)
	n, serr := rawmsg.Sendmsg(pair[0], &h, rawmsg.MSG_NOSIGNAL)
	r, err := NewReceiver(Socket(pair[1]), Options{MaxFDs: len(control) % 3, Credentials: len(control)%2 == 0})
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
	for len(closing) > 0 { // sockets, which are closed in the background
		runtime.Gosched()
	}
	if after := fdtest.Count(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}
