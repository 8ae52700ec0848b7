//go:build linux

package fdpass

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/rawmsg"
)

// The tests in this file need what is not exported. All others are in package
// fdpass_test, because internal/fdtest imports this package.

// IsLinux reports whether the library finds out by a socket that it runs on Linux.
func IsLinux(sock int) bool { return askPeer(sock) == linux }

// Accept does what a Receiver does with a control buffer that the kernel wrote.
func Accept(control []byte, opts Options) (*Message, error) {
	m := &Message{message: newMessage()}
	h := msghdr{Controllen: uintptr(len(control))}
	m.set(&h, rawmsg.SOCK_STREAM, []byte("hello"), control, nil)
	return m, m.accept(opts.MaxFDs, &opts)
}

// Where no descriptor finds a place in the table, gVisor says so by a message without
// any.
func TestIsARightsMessageWithoutDescriptorsAFullTable(t *testing.T) {
	_, err := Accept(AppendRights(nil), Options{MaxFDs: 1})
	if !errors.Is(err, ErrTruncated) || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("got %v", err)
	}
}

func TestIsALengthBeyondTheBufferBelieved(t *testing.T) {
	m := newMessage()
	h := msghdr{Controllen: ^uintptr(0), Namelen: ^uint32(0)}
	m.set(&h, rawmsg.SOCK_DGRAM, nil, make([]byte, 8), make([]byte, 8))
	if len(m.control) != 8 || len(m.name) != 8 {
		t.Errorf("%d bytes of control messages, %d of a name", len(m.control), len(m.name))
	}
}

func FuzzIsAnyDataGoodForEveryValue(f *testing.F) {
	f.Add(uint8(0), []byte{3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2})
	f.Add(uint8(1), make([]byte, 16))
	f.Add(uint8(3), []byte{0xe8, 0xff, 0xff, 0xff})
	f.Add(uint8(5), bytes.Repeat([]byte{0xff}, 16))
	types := []int{
		rawmsg.SCM_RIGHTS, rawmsg.SCM_CREDENTIALS, rawmsg.SCM_SECURITY, rawmsg.SCM_PIDFD, rawmsg.SCM_INQ,
		rawmsg.SCM_TIMESTAMP, rawmsg.SCM_TIMESTAMPNS, rawmsg.SCM_TIMESTAMP_NEW, rawmsg.SCM_TIMESTAMPNS_NEW,
	}
	f.Fuzz(func(t *testing.T, typ uint8, data []byte) {
		c := Control{rawmsg.SOL_SOCKET, types[int(typ)%len(types)], data}
		fds, err := c.Rights([]int{-7})
		if fds[0] != -7 || slices.ContainsFunc(fds[1:], func(fd int) bool {
			return fd < 0 || fd > math.MaxInt32
		}) {
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

// Another Sender has sent a part of its message, and does not wait at the moment.
func TestWhatEndsTheWaitForAnothersMessage(t *testing.T) {
	a, b, err := Pair("unix")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	other, err := NewSender(a)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSender(a)
	if err != nil {
		t.Fatal(err)
	}
	other.end.hold()
	defer other.end.release()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if n, err := s.SendContext(ctx, []byte("x")); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("its context: %d, %v", n, err)
	}
	if n, err := s.TrySend(&Outgoing{Payload: []byte("x")}); n != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("TrySend: %d, %v", n, err)
	}
	sent := make(chan error, 1)
	go func() { _, err := SendMsg(a, []byte("y")); sent <- err }()
	select {
	case err := <-sent:
		t.Errorf("nothing, and %v", err)
	case <-time.After(10 * time.Millisecond):
		other.end.release()
		if err := <-sent; err != nil {
			t.Errorf("the end of the other message: %v", err)
		}
	}
	p := make([]byte, 8)
	if n, err := b.Read(p); err != nil || string(p[:n]) != "y" {
		t.Errorf("%q came, %v", p[:n], err)
	}
}

// A peer that closes its end of a seqpacket connection with something unread resets the
// connection. The kernel reports that once, before the messages that are still there.
func TestDoesARelayLoseWhatWasSentBeforeAReset(t *testing.T) {
	if portable {
		t.Skip("Relay needs Linux")
	}
	var conns [4]*net.UnixConn
	for i := 0; i < 4; i += 2 {
		a, b, err := Pair("unixpacket")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		defer b.Close()
		conns[i], conns[i+1] = a, b
	}
	d, err := newPump(conns[1], conns[2])
	if err != nil {
		t.Fatal(err)
	}
	for _, send := range []struct {
		conn    *net.UnixConn
		payload string
	}{{conns[0], "sent"}, {conns[1], "never read"}} {
		if _, err := SendMsgFDs(send.conn, []byte(send.payload)); err != nil {
			t.Fatal(err)
		}
	}
	if d.r.end.onGVisor() {
		t.Skip("gVisor reports the reset after the messages")
	}
	n, _, err := d.look()
	if err != nil {
		t.Fatal(err)
	}
	conns[0].Close() // after the look
	if err := d.message(n); err != nil {
		t.Fatalf("the message: %v", err)
	}
	if err := d.step(); err != nil {
		t.Fatalf("after the reset: %v", err)
	}
	p := make([]byte, 8)
	conns[3].SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, _, err := RecvMsgFDs(conns[3], p, 0); err != nil || string(p[:n]) != "sent" {
		t.Errorf("%q came, %v", p[:n], err)
	}
	if err := d.step(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}
