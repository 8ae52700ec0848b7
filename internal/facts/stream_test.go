//go:build linux

package facts

import (
	"bytes"
	"io"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestIsTheBarrierBehindAMessageWithDescriptors(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "a")
	fdtest.MustSend(t, a, "B", fdtest.FDs(t, 1)...)
	fdtest.MustSend(t, a, "c")
	fdtest.Expect(t, b, 16, "aB", 1, 0)
	fdtest.Expect(t, b, 16, "c", 0, 0)
}

func TestWhereDoDescriptorsComeInSmallReads(t *testing.T) {
	for name, flags := range map[string]int{"plain": 0, "MSG_WAITALL": syscall.MSG_WAITALL} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
			fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 1)...)
			fdtest.MustSend(t, a, "world", fdtest.FDs(t, 1)...)
			fdtest.Expect(t, b, 2, "he", 1, flags)
			fdtest.Expect(t, b, 2, "ll", 0, flags)
			fdtest.Expect(t, b, 2, "ow", 1, flags)
			fdtest.Expect(t, b, 16, "orld", 0, 0)
		})
	}
}

func TestDoesWaitallStopAtDescriptors(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 1)...)
	fdtest.MustSend(t, a, "world")
	// Without MSG_DONTWAIT it could wait for more, and does not.
	p, oob := make([]byte, 16), make([]byte, 256)
	n, oobn, _, _, err := syscall.Recvmsg(b, p, oob, syscall.MSG_WAITALL|rawmsg.MSG_CMSG_CLOEXEC)
	if err != nil || string(p[:n]) != "hello" {
		t.Errorf("got %q, %v", p[:n], err)
	}
	closeRights(t, oob[:oobn], 1)
}

func TestDoDescriptorsComeWithTheFirstPieceOfALongMessage(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	done := make(chan error, 1)
	long := bytes.Repeat([]byte("0123456789abcdef"), 25000) // 400,000 bytes
	go func() {
		_, err := fdpass.SendMsg(a, long, fdtest.Files(t, 3)...)
		a.CloseWrite()
		done <- err
	}()
	p := make([]byte, len(long))
	n, files, err := fdpass.RecvMsg(b, p, 3)
	if err != nil || len(files) != 3 || n == 0 || n == len(long) {
		t.Errorf("the first piece: %d bytes, %d files, %v", n, len(files), err)
	}
	t.Logf("the first piece: %d bytes", n) // 36,544 on Linux 6.18
	for _, f := range files {
		f.Close()
	}
	for err == nil && n < len(p) {
		var k int
		if k, files, err = fdpass.RecvMsg(b, p[n:], 3); len(files) > 0 {
			t.Errorf("%d files after the first piece", len(files))
		}
		n += k
	}
	if err != nil || !bytes.Equal(p, long) {
		t.Errorf("%d bytes, which are not those that were sent, or %v", n, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, _, err := fdpass.RecvMsg(b, p, 3); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestHasAShortWriteSentAllDescriptors(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fds := fdtest.FDs(t, 3)
	long := make([]byte, 1<<20)
	n, err := fdtest.Sendmsg(a, long, fdpass.AppendRights(nil, fds...), syscall.MSG_DONTWAIT)
	if err != nil || n == 0 || n == len(long) {
		t.Fatalf("no short write: %d, %v", n, err)
	}
	if r := fdtest.Recvmsg(t, b, 1, 256, 0); len(r.FDs) != 3 {
		t.Errorf("%d bytes of %d went, and %d descriptors of 3", n, len(long), len(r.FDs))
	}
}

func TestWhatBecomesOfDescriptorsWithoutPayload(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			fdtest.MustSend(t, a, "", fdtest.FDs(t, 1)...)
			if typ != syscall.SOCK_STREAM {
				fdtest.Expect(t, b, 16, "", 1, 0)
				return
			}
			if r, err := fdtest.TryRecvmsg(t, b, 16, 256, 0); err != syscall.EAGAIN {
				t.Errorf("something arrived: %v, %v", r, err)
			}
			fdtest.MustSend(t, a, "x")
			fdtest.Expect(t, b, 16, "x", 0, 0)
		})
	}
}

func TestWhatDoesAnEmptyBufferTakeOffAStream(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 1)...)
	fdtest.Expect(t, b, 0, "", 1, 0)
	fdtest.Expect(t, b, 16, "hello", 0, 0)
}

func TestDoesReadDropDescriptors(t *testing.T) {
	for name, read := range map[string]func(fd int, p []byte) (int, error){
		"read": syscall.Read,
		"recv": func(fd int, p []byte) (int, error) {
			n, _, err := syscall.Recvfrom(fd, p, 0)
			return n, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
			fdtest.MustSend(t, a, "hello", fdtest.FDs(t, 1)...)
			before := fdtest.Count(t)
			p := make([]byte, 1)
			if n, err := read(b, p); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if n := fdtest.Count(t); n != before {
				t.Errorf("%d descriptors were installed", n-before)
			}
			fdtest.Expect(t, b, 16, "ello", 0, 0)
		})
	}
}

func TestDoesOutOfBandDataDropTheDescriptor(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "x")
	control := fdpass.AppendRights(nil, fdtest.FDs(t, 1)...)
	_, err := fdtest.Sendmsg(a, []byte("!"), control, syscall.MSG_OOB)
	if err == syscall.EOPNOTSUPP {
		t.Skip("no MSG_OOB on Unix sockets here, which needs Linux 5.15 and CONFIG_AF_UNIX_OOB")
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := fdtest.TryRecvmsg(t, b, 1, 256, syscall.MSG_OOB)
	if err != nil || string(r.Payload) != "!" || len(r.FDs) != 0 {
		t.Errorf("got %q with %d descriptors, %v", r.Payload, len(r.FDs), err)
	}
	fdtest.Expect(t, b, 16, "x", 0, 0)
	fdtest.MustSend(t, a, "y")
	fdtest.Expect(t, b, 16, "y", 0, 0)
}

// closeRights closes the descriptors of a control buffer, which must be n.
func closeRights(t *testing.T, control []byte, n int) {
	t.Helper()
	var fds []int
	for c, err := range fdpass.ParseControls(control) {
		if err != nil {
			t.Error(err)
		}
		fds, _ = c.Rights(fds)
	}
	if len(fds) != n {
		t.Errorf("%d descriptors, want %d", len(fds), n)
	}
	fdtest.Close(t, fds...)
}
