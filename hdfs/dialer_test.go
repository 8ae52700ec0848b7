package shortcircuit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// readThrough reads a part of a block as a client of HDFS does: it connects by
// the Dialer, asks for the block, and reads packets.
func readThrough(t testing.TB, d *Dialer, addr string, b Block, off, length int64) ([]byte, error) {
	t.Helper()
	c, err := d.DialContext(soon(t), "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	header := appendBytes(nil, 1, appendHeader(nil, b, Token{}))
	header = appendBytes(header, 2, "test")
	r, err := openTCP(c, &readBlock{block: b, off: off, length: length, header: header}, 0)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// newTestDialer makes a Dialer that waits for the socket as long as a test does.
func newTestDialer(t testing.TB, socket string) *Dialer {
	return newHastyDialer(t, socket, patience)
}

// newHastyDialer makes a Dialer for a socket that does not answer. It is left alone for
// longer than any test takes.
func newHastyDialer(t testing.TB, socket string, timeout time.Duration) *Dialer {
	d := NewDialer(socket, DialerOptions{Options: Options{Timeout: timeout}, LeaveAlone: time.Hour})
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDoesTheDialerReadTheFile(t *testing.T) {
	n := newFakeNode(t)
	d := newTestDialer(t, n.socket)
	b, want := n.add(1, 3_000_001, 512, checksumCRC32C)
	total := int64(0)
	for _, part := range [][2]int64{{0, 3_000_001}, {511, 1}, {1000, 2_500_000}, {3_000_000, 1}, {77, 0}} {
		got, err := readThrough(t, d, n.addr, b, part[0], part[1])
		if err != nil || !bytes.Equal(got, want[part[0]:][:part[1]]) {
			t.Errorf("%v: %d bytes, %v", part, len(got), err)
		}
		total += part[1]
	}
	s := d.Stats()
	if s.ShortCircuitBytes != total || s.TCPBytes != 0 || len(s.Fallbacks) != 0 || n.count(opReadBlock) != 0 {
		t.Errorf("%+v, and %d reads by TCP", s, n.count(opReadBlock))
	}
}

func TestWhenDoesTheDialerFallBack(t *testing.T) {
	for _, test := range []struct {
		reason Reason
		local  int64 // bytes from the file
		spoil  func(n *fakeNode, b *Block)
	}{
		{ReasonTimeout, 0, func(n *fakeNode, _ *Block) { n.set(func() { n.mute = true }) }},
		{ReasonSocket, 0, func(n *fakeNode, _ *Block) { n.ends[0].Close() }},
		{ReasonLength, 0, func(n *fakeNode, b *Block) { b.Length -= 1000; n.shorten(b) }},
		{ReasonChecksum, 0, func(n *fakeNode, b *Block) {
			os.WriteFile(n.blocks[b.ID].meta, []byte("\x00\x02"), 0o600)
		}},
		{ReasonChecksum, 512 * 100, func(n *fakeNode, b *Block) { n.spoil(b.ID, 512*100+3) }},
	} {
		t.Run(string(test.reason), func(t *testing.T) {
			n := newFakeNode(t)
			b, want := n.add(1, 200_000, 512, checksumCRC32C)
			d := newTestDialer(t, n.socket)
			if test.reason == ReasonTimeout {
				d = newHastyDialer(t, n.socket, 50*time.Millisecond)
			}
			// By TCP comes what is good, whatever is wrong with the files.
			by := n.goodTCP(t, want)
			test.spoil(n, &b)
			got, err := readThrough(t, d, by, b, 0, b.Length)
			if err != nil || !bytes.Equal(got, want[:b.Length]) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			s := d.Stats()
			if s.Fallbacks[test.reason] != 1 || len(s.Fallbacks) != 1 || s.ShortCircuitBytes != test.local ||
				s.TCPBytes != b.Length-test.local {
				t.Errorf("%+v", s)
			}
		})
	}
}

func (n *fakeNode) shorten(b *Block) {
	f := n.blocks[b.ID]
	f.Length = b.Length
	n.blocks[b.ID] = f
}

// goodTCP starts a DataNode that has a good replica of block 1, and returns its
// TCP address.
func (n *fakeNode) goodTCP(t testing.TB, want []byte) string {
	m := startFakeNode(t)
	m.add(1, len(want), 512, checksumCRC32C)
	return m.addr
}

func TestDoesABadBlockGiveAWrongByte(t *testing.T) {
	n := newFakeNode(t)
	b, want := n.add(1, 200_000, 512, checksumCRC32C)
	d := newTestDialer(t, n.socket)
	n.spoil(1, 150_000)
	good := 150_000 / 512 * 512
	got, err := readThrough(t, d, n.addr, b, 0, 200_000)
	if err == nil || !bytes.HasPrefix(want[:good], got) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if s := d.Stats(); s.Fallbacks[ReasonChecksum] != 1 || s.ShortCircuitBytes != int64(good) {
		t.Errorf("%+v", s)
	}
}

func TestIsASilentSocketLeftAlone(t *testing.T) {
	n := newFakeNode(t)
	b, want := n.add(1, 1000, 512, checksumCRC32C)
	d := newHastyDialer(t, n.socket, 50*time.Millisecond)
	by := n.goodTCP(t, want)
	n.set(func() { n.mute = true })
	for range 5 {
		if got, err := readThrough(t, d, by, b, 0, 1000); err != nil || !bytes.Equal(got, want) {
			t.Fatal(err)
		}
	}
	if s := d.Stats(); s.Fallbacks[ReasonTimeout] != 1 || s.Fallbacks[ReasonLeftAlone] != 4 {
		t.Errorf("%+v", s)
	}
}

func TestDoesARefusalReachTheClient(t *testing.T) {
	n := newFakeNode(t)
	n.set(func() { n.token = "another" })
	b, _ := n.add(1, 1000, 512, checksumCRC32C)
	d := newTestDialer(t, n.socket)
	if _, err := readThrough(t, d, n.addr, b, 0, 1000); !errors.Is(err, StatusErrorAccessToken) {
		t.Error(err)
	}
	if s := d.Stats(); s.Fallbacks[ReasonToken] != 1 {
		t.Errorf("%+v", s)
	}
}

func TestDoesEverythingElsePassThrough(t *testing.T) {
	n := newFakeNode(t)
	d := newTestDialer(t, n.socket)
	c, err := d.DialContext(soon(t), "tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	for _, b := range appendRequest(nil, 0x55, []byte("a checksum, please")) { // OP_BLOCK_CHECKSUM, byte by byte
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	var answer [2]byte
	if _, err := io.ReadFull(c, answer[:]); err != nil || answer != [2]byte{0x55, 0x55} {
		t.Errorf("%x, %v", answer, err)
	}
	if a, ok := c.RemoteAddr().(*net.TCPAddr); !ok || a.String() != n.addr {
		t.Errorf("remote address %v", c.RemoteAddr())
	}
	if s := d.Stats(); s.Passed != 1 || n.count(0x55) != 1 {
		t.Errorf("%+v", s)
	}
}

// A client that negotiates encryption begins with other bytes. It must not have
// to write or read more before they are sent.
func TestDoesANegotiationPassThrough(t *testing.T) {
	fdtest.NoLeak(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := NewDialer("/nowhere", DialerOptions{})
	defer d.Close()
	c, err := d.DialContext(soon(t), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first := []byte{0xde, 0xad, 0xbe, 0xef}
	if _, err := c.Write(first); err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.SetDeadline(time.Now().Add(patience))
	got := make([]byte, 4)
	if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, first) {
		t.Errorf("%x, %v", got, err)
	}
}

func TestIsAnotherMachineReachedByTCP(t *testing.T) {
	var dialled string
	d := NewDialer("/nowhere", DialerOptions{Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
		dialled = addr
		return nil, io.ErrNoProgress
	}})
	defer d.Close()
	_, err := d.DialContext(soon(t), "tcp", "192.0.2.1:9866")
	if err != io.ErrNoProgress || dialled != "192.0.2.1:9866" {
		t.Errorf("%v, %q", err, dialled)
	}
}

func TestDoesADeadlineEndTheDialling(t *testing.T) {
	fdtest.NoLeak(t)
	d := NewDialer("/nowhere", DialerOptions{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(patience):
			return nil, io.ErrNoProgress
		}
	}})
	defer d.Close()
	c, err := d.DialContext(soon(t), "tcp", "127.0.0.1:9866")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Write([]byte("not a block")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("writing:", err)
	}
	c.SetWriteDeadline(time.Time{})
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("reading:", err)
	}
	c.SetReadDeadline(time.Time{})
	time.AfterFunc(10*time.Millisecond, func() { c.Close() })
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Error("closing:", err)
	}
}

func TestDoesCloseEndARead(t *testing.T) {
	n := newFakeNode(t)
	n.set(func() { n.mute = true })
	b, _ := n.add(1, 1000, 512, checksumCRC32C)
	d := NewDialer(n.socket, DialerOptions{Options: Options{Timeout: time.Minute}})
	defer d.Close()
	c, err := d.DialContext(soon(t), "tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	header := appendBytes(nil, 1, appendHeader(nil, b, Token{}))
	c.Write(appendRequest(nil, opReadBlock, (&readBlock{length: 1000, header: header}).message(0)))
	time.AfterFunc(50*time.Millisecond, func() { c.Close() })
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	c, _ = d.DialContext(soon(t), "tcp", n.addr)
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	c.Write(appendRequest(nil, opReadBlock, (&readBlock{length: 1000, header: header}).message(0)))
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}
