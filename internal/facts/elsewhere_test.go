//go:build linux

package facts

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// What went wrong in other programs, and does not here. Batches, contexts and
// Stream have tests of their own.

func TestDoesAReusedBufferBringTheOldDescriptorsBack(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 2})
			p := make([]byte, 16)
			for _, n := range []int{2, 0, 1, 0} {
				fdtest.MustSend(t, a, "x", fdtest.FDs(t, n)...)
				m, err := r.Recv(p)
				if err != nil || len(m.FDs()) != n {
					t.Fatalf("want %d descriptors, got %v, %v", n, m.FDs(), err)
				}
				fdtest.Close(t, m.TakeFDs()...)
				for c := range m.Controls() {
					if n == 0 {
						t.Errorf("nothing came and there is %v", c)
					}
				}
			}
		})
	}
}

func TestDoesAFullTableBringTheOldDescriptorsBack(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 2})
	p := make([]byte, 16)
	fds := fdtest.FDs(t, 2)
	fdtest.MustSend(t, a, "x", fds...)
	m, err := r.Recv(p)
	if err != nil {
		t.Fatal(err)
	}
	keep := m.TakeFDs()
	defer fdtest.Close(t, keep...)
	fdtest.MustSend(t, a, "hello", fds...)
	restore := fdtest.LimitTable(t, 0)
	m, err = r.Recv(p)
	restore()
	if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) ||
		string(m.Payload()) != "hello" {
		t.Fatalf("got %v", err)
	}
	if len(m.FDs()) != 0 {
		t.Errorf("got %v", m.FDs())
	}
	fdtest.IDs(t, keep...) // still open
}

func TestAreNoDescriptorsReadAsZeros(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			if err := fdpass.SendFDs(a); err != nil {
				t.Fatal(err)
			}
			if fds, err := fdpass.RecvFDs(b, 5); err != nil || len(fds) != 0 {
				t.Errorf("got %v, %v", fds, err)
			}
		})
	}
}

func TestDoesRoomForMoreThanWasAskedForLeak(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: 1, KeepTruncated: true})
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 2)...)
	before := fdtest.Count(t)
	m, err := r.Recv(make([]byte, 1))
	if err != nil || len(m.FDs()) != 1 || !m.Truncated() {
		t.Fatalf("got %v, %v", m, err)
	}
	for c := range m.Controls() { // what the kernel installed
		if fds, _ := c.Rights(nil); len(fds) != 2 {
			t.Errorf("%d were installed", len(fds))
		}
	}
	if after := fdtest.Count(t); after != before+1 {
		t.Errorf("%d are left open", after-before)
	}
	m.Close()
}

func TestDoesAnUnknownControlMessageHideOthers(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it does not know SO_TIMESTAMPING on Unix sockets")
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_DGRAM)
	const soTimestamping = 65    // SO_TIMESTAMPING_NEW: asm-generic/socket.h, the same everywhere
	const software = 1<<3 | 1<<4 // linux/net_tstamp.h: SOF_TIMESTAMPING_RX_SOFTWARE and _SOFTWARE
	fdtest.SetOption(t, b, soTimestamping, software, "SO_TIMESTAMPING")
	opts := fdpass.Options{MaxFDs: 1, Timestamp: true, Credentials: true}
	opts.ExtraRoom = fdtest.ByWord(64, 60) // CMSG_SPACE(48), three timespecs
	r := fdtest.Receiver(t, fdpass.Socket(b), opts)
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
	m, err := r.Recv(make([]byte, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var types []int
	for c := range m.Controls() {
		types = append(types, c.Type)
	}
	if len(types) != 4 || types[1] != soTimestamping {
		t.Errorf("got the types %v", types)
	}
	_, cred := m.Credentials()
	_, stamp := m.Timestamp()
	if !cred || !stamp || len(m.FDs()) != 1 {
		t.Errorf("credentials: %v, time: %v, descriptors: %v", cred, stamp, m.FDs())
	}
}

func TestAreTwoMessagesMerged(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fds := fdtest.FDs(t, 2)
	fdtest.MustSend(t, a, "one", fds[0])
	fdtest.MustSend(t, a, "two", fds[1])
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD})
	for i, want := range []string{"one", "two"} {
		m, err := r.Recv(make([]byte, 1<<16))
		if err != nil || string(m.Payload()) != want || len(m.FDs()) != 1 {
			t.Fatalf("got %v", err)
		}
		if got, want := fdtest.IDs(t, m.FDs()...), fdtest.IDs(t, fds[i]); got[0] != want[0] {
			t.Errorf("the descriptors of %q came with another message", want)
		}
		m.Close()
	}
}

func TestDoesSendingAFileMakeItBlock(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := fdpass.Send(a, r); err != nil {
		t.Fatal(err)
	}
	files, err := fdpass.Recv(b, 1)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	defer files[0].Close()
	// The sender's and the receiver's share the setting. A read on a blocking
	// one would wait for ever.
	for name, f := range map[string]*os.File{"sent": r, "received": files[0]} {
		if err := f.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := f.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// And the connections still have theirs.
	b.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := fdpass.Recv(b, 1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection: %v", err)
	}
}
