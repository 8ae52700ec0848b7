//go:build linux

package fdpass_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// frame is a message of a small protocol. It has a header of two bytes (the number of
// descriptors and the length of the payload) and a payload.
type frame struct {
	payload string
	fds     []int
}

const headerLen = 2

func (f frame) bytes() []byte {
	return append([]byte{byte(len(f.fds)), byte(len(f.payload))}, f.payload...)
}

// frames returns frames of all kinds: with and without descriptors, next to each
// other, with and without payload.
func frames(t *testing.T) []frame {
	fds := fdtest.FDs(t, 7)
	return []frame{
		{"nothing", nil},
		{"one", fds[0:1]},
		{"two", fds[1:3]},
		{"", nil},
		{"", fds[3:4]},
		{"x", nil},
		{"three of them", fds[4:7]},
		{"the last", nil},
	}
}

// decoder reads frames from a stream through whatever is in between.
type decoder struct {
	stream   *fdpass.Stream
	from     io.Reader
	buffered func() int // bytes that from has read and not returned
}

// next returns the next frame, whose descriptors the caller closes.
func (d *decoder) next() (f frame, err error) {
	var header [headerLen]byte
	if _, err := io.ReadFull(d.from, header[:]); err != nil {
		return f, err
	}
	payload := make([]byte, header[1])
	if _, err := io.ReadFull(d.from, payload); err != nil {
		return f, err
	}
	f.payload = string(payload)
	f.fds, err = d.stream.TakeFDs(d.stream.Offset() - int64(d.buffered()))
	if err != nil {
		return f, err
	}
	if len(f.fds) != int(header[0]) {
		return f, fmt.Errorf("%q has %d descriptors, and %d belong to it", payload, len(f.fds), header[0])
	}
	return f, nil
}

// expect decodes the frames that were sent, and the end.
func (d *decoder) expect(t *testing.T, want []frame) error {
	for _, w := range want {
		got, err := d.next()
		ids := fdtest.IDs(t, got.fds...)
		fdtest.Close(t, got.fds...)
		if err != nil {
			return err
		}
		if got.payload != w.payload || !slices.Equal(ids, fdtest.IDs(t, w.fds...)) {
			return fmt.Errorf("got %q with %v, want %q with %v",
				got.payload, ids, w.payload, fdtest.IDs(t, w.fds...))
		}
	}
	if _, err := d.next(); err != io.EOF {
		return fmt.Errorf("after the last frame: want EOF, got %v", err)
	}
	return nil
}

// direct decodes without a buffer in between.
func direct(s *fdpass.Stream) *decoder {
	return &decoder{s, s, func() int { return 0 }}
}

// buffered decodes with a bufio.Reader in between, whose reads are of at most
// size bytes.
func buffered(s *fdpass.Stream, size int) *decoder {
	b := bufio.NewReader(limitedReads{s, size})
	return &decoder{s, b, b.Buffered}
}

type limitedReads struct {
	from io.Reader
	size int
}

func (l limitedReads) Read(p []byte) (int, error) {
	return l.from.Read(p[:min(len(p), l.size)])
}

// streams makes a connected pair of Streams, which hold at most limit descriptors, and
// returns their connections as well.
func streams(t *testing.T, limit int) (a, b *fdpass.Stream, ca, cb *net.UnixConn) {
	t.Helper()
	ca, cb = fdtest.Conns(t, "unix")
	a, b = newStream(t, ca, limit), newStream(t, cb, limit)
	return a, b, ca, cb
}

func newStream(t *testing.T, conn *net.UnixConn, limit int) *fdpass.Stream {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	s, err := fdpass.NewStream(conn, fdpass.StreamOptions{MaxFDs: limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// take takes the descriptors of the first consumed bytes. It fails if some were lost.
func take(t *testing.T, s *fdpass.Stream, consumed int64) []int {
	t.Helper()
	fds, err := s.TakeFDs(consumed)
	if err != nil {
		t.Fatal(err)
	}
	return fds
}

// write sends a frame in two pieces, the descriptors with the first or the second.
func (f frame) write(s *fdpass.Stream, split int, second bool) error {
	b := f.bytes()
	split = min(split, len(b)-1)
	before, after := f.fds, []int(nil)
	if second || split == 0 {
		before, after = nil, f.fds
	}
	if _, err := s.Send(b[:split], before...); err != nil {
		return err
	}
	_, err := s.Send(b[split:], after...)
	return err
}

func TestDoesEachFrameGetItsDescriptorsHoweverTheBytesAreSplit(t *testing.T) {
	fdtest.NoLeak(t)
	sent := frames(t)
	longest := headerLen + len("three of them")
	for split := range longest { // 0 is a frame in one piece
		for _, second := range []bool{false, true} {
			t.Run(fmt.Sprint("at ", split, " descriptors in the second piece ", second), func(t *testing.T) {
				for size := 1; size <= 3*longest; size++ {
					if err := passInPieces(t, sent, split, second, size); err != nil {
						t.Errorf("reads of %d: %v", size, err)
					}
				}
			})
		}
	}
}

func passInPieces(t *testing.T, sent []frame, split int, second bool, size int) error {
	a, b, ca, _ := streams(t, rawmsg.SCM_MAX_FD)
	for _, f := range sent {
		if err := f.write(a, split, second); err != nil {
			return err
		}
	}
	ca.Close()
	return buffered(b, size).expect(t, sent)
}

func TestDoesEachFrameGetItsDescriptorsWithoutABuffer(t *testing.T) {
	fdtest.NoLeak(t)
	a, b, ca, _ := streams(t, rawmsg.SCM_MAX_FD)
	sent := frames(t)
	for _, f := range sent {
		if _, err := a.Send(f.bytes(), f.fds...); err != nil {
			t.Fatal(err)
		}
	}
	ca.Close()
	if err := direct(b).expect(t, sent); err != nil {
		t.Error(err)
	}
}

func TestDoTheDescriptorsOfAReadBelongToItsLastFrame(t *testing.T) {
	fdtest.NoLeak(t)
	a, b, _, _ := streams(t, rawmsg.SCM_MAX_FD)
	first, second := frame{"first", nil}, frame{"second", fdtest.FDs(t, 2)}
	for _, f := range []frame{first, second} {
		if _, err := a.Send(f.bytes(), f.fds...); err != nil {
			t.Fatal(err)
		}
	}
	// One read brings both, and the descriptors of the second.
	p := make([]byte, 100)
	n, err := b.Read(p)
	if err != nil || n != len(first.bytes())+len(second.bytes()) {
		t.Fatalf("%d bytes in one read, %v", n, err)
	}
	if fds := take(t, b, int64(len(first.bytes()))); fds != nil {
		fdtest.Close(t, fds...)
		t.Errorf("the first frame got %d descriptors", len(fds))
	}
	fds := take(t, b, int64(n))
	defer fdtest.Close(t, fds...)
	if got, want := fdtest.IDs(t, fds...), fdtest.IDs(t, second.fds...); !slices.Equal(got, want) {
		t.Errorf("the second frame got %v, want %v", got, want)
	}
}

// relay passes on everything that comes, in the pieces in which it comes. It sends the
// descriptors of a piece with its last byte, or with its first, which is wrong.
func relay(to, from *fdpass.Stream, right bool) error {
	p := make([]byte, 1<<16)
	for {
		n, err := from.Read(p)
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		fds, err := from.TakeFDs(from.Offset())
		if err != nil {
			return err
		}
		first := 0
		if right && len(fds) > 0 {
			first = n - 1
			_, err = to.Write(p[:first])
		}
		if err == nil {
			_, err = to.Send(p[first:n], fds...)
		}
		for _, fd := range fds {
			err = errors.Join(err, syscall.Close(fd))
		}
		if err != nil {
			return err
		}
	}
}

func TestDoesARelayThatMergesMessagesKeepTheirDescriptors(t *testing.T) {
	for _, right := range []bool{true, false} {
		t.Run(fmt.Sprint("with the last byte ", right), func(t *testing.T) {
			fdtest.NoLeak(t)
			a, fromA, ca, _ := streams(t, rawmsg.SCM_MAX_FD)
			toB, b, cb, _ := streams(t, rawmsg.SCM_MAX_FD)
			sent := frames(t)
			for _, f := range sent {
				if _, err := a.Send(f.bytes(), f.fds...); err != nil {
					t.Fatal(err)
				}
			}
			ca.Close()
			if err := relay(toB, fromA, right); err != nil {
				t.Fatal(err)
			}
			cb.Close()
			err := direct(b).expect(t, sent)
			if right && err != nil {
				t.Error(err)
			}
			if !right && err == nil {
				t.Error("a relay that gives descriptors to the first byte of what it merged went unseen")
			}
		})
	}
}

func TestDoesAStreamStopAtItsLimit(t *testing.T) {
	for _, limit := range []int{0, 1, 2, 5, 253, 254, 300} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b, _, _ := streams(t, limit)
			fds := fdtest.FDs(t, limit+1)
			// The limit is reached twice, since descriptors that were taken do not count.
			for range 2 {
				fill(t, a, b, fds[:limit])
				got := take(t, b, b.Offset())
				fdtest.Close(t, got...)
				if len(got) != limit {
					t.Fatalf("got %d descriptors", len(got))
				}
			}
			fill(t, a, b, fds[:limit])
			if _, err := a.Send([]byte("more"), fds[limit]); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 100)
			n, err := b.Read(p)
			if string(p[:n]) != "more" || !errors.Is(err, fdpass.ErrTooManyFDs) ||
				errors.Is(err, syscall.EMFILE) {
				t.Fatalf("%q, %v", p[:n], err)
			}
			if n, again := b.Read(p); n != 0 || again != err {
				t.Errorf("the next read: %d, %v", n, again)
			}
			// The error says that some were lost. Those that came before can be taken.
			if got, err := b.TakeFDs(b.Offset()); got != nil || !errors.Is(err, fdpass.ErrTooManyFDs) {
				t.Errorf("descriptors were lost, and TakeFDs says %v, %v", got, err)
			}
			if got, err := b.TakeNextFDs(limit + 1); got != nil || !errors.Is(err, fdpass.ErrTooManyFDs) {
				t.Errorf("descriptors were lost, and TakeNextFDs says %v, %v", got, err)
			}
			got := take(t, b, b.Offset()-1)
			defer fdtest.Close(t, got...)
			if !slices.Equal(fdtest.IDs(t, got...), fdtest.IDs(t, fds[:limit]...)) {
				t.Errorf("%d descriptors are left of %d", len(got), limit)
			}
		})
	}
}

// fill sends descriptors from a to b, as many in a message as it can carry.
func fill(t *testing.T, a, b *fdpass.Stream, fds []int) {
	t.Helper()
	for some := range slices.Chunk(fds, rawmsg.SCM_MAX_FD) {
		if _, err := a.Send([]byte("x"), some...); err != nil {
			t.Fatal(err)
		}
		if n, err := b.Read(make([]byte, 100)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestDoesAStreamTellAFullTableFromItsLimit(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it offers the host its own table")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTable)
	fdtest.NoLeak(t)
	a, b, _, _ := streams(t, 10)
	if _, err := a.Send([]byte("x"), fdtest.FDs(t, 5)...); err != nil {
		t.Fatal(err)
	}
	restore := fdtest.LimitTable(t, 3)
	n, err := b.Read(make([]byte, 100))
	restore()
	if n != 1 || !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) ||
		errors.Is(err, fdpass.ErrTooManyFDs) {
		t.Errorf("%d, %v", n, err)
	}
	if n, again := b.Read(make([]byte, 100)); n != 0 || again != err {
		t.Errorf("the next read: %d, %v", n, again)
	}
	if fds, err := b.TakeFDs(b.Offset()); fds != nil || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("descriptors of a truncated message: %v, %v", fds, err)
	}
}

func TestWhatIsLeftAtTheEndOfAStream(t *testing.T) {
	fdtest.NoLeak(t)
	a, b, ca, _ := streams(t, 10)
	fds := fdtest.FDs(t, 5)
	for _, some := range [][]int{fds[:2], fds[2:3], fds[3:]} {
		if _, err := a.Send([]byte("x"), some...); err != nil {
			t.Fatal(err)
		}
	}
	ca.Close()
	if data, err := io.ReadAll(b); string(data) != "xxx" || err != nil {
		t.Fatal(data, err)
	}
	got := take(t, b, 1)
	defer fdtest.Close(t, got...)
	if !slices.Equal(fdtest.IDs(t, got...), fdtest.IDs(t, fds[:2]...)) {
		t.Errorf("got %v for the first byte", got)
	}
	for _, consumed := range []int64{1, 0, -1} {
		if again := take(t, b, consumed); again != nil {
			t.Errorf("got %v once more", again)
		}
	}
	files, err := b.TakeFiles(2)
	if len(files) != 1 || err != nil {
		t.Fatalf("got %d files for the second byte, %v", len(files), err)
	}
	files[0].Close()
	before := fdtest.Count(t)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if after := fdtest.Count(t); after != before-3 {
		t.Errorf("Close closed %d descriptors; two were left, and the connection", before-after)
	}
	if fds, err := b.TakeFDs(3); fds != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, %v from a closed stream", fds, err)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading from a closed stream: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestDoesAnEmptyReadOfAStreamTakeDescriptors(t *testing.T) {
	fdtest.NoLeak(t)
	a, b, _, _ := streams(t, 10)
	if _, err := a.Send([]byte("x"), fdtest.FDs(t, 2)...); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Read(nil); n != 0 || err != nil {
		t.Errorf("the empty read: %d, %v", n, err)
	}
	if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Error(n, err)
	}
	fds := take(t, b, 1)
	fdtest.Close(t, fds...)
	if len(fds) != 2 {
		t.Errorf("got %d descriptors", len(fds))
	}
}

func TestWhatCannotBeAStream(t *testing.T) {
	fdtest.NoLeak(t)
	for _, network := range []string{"unixgram", "unixpacket"} {
		c, _ := fdtest.Conns(t, network)
		s, err := fdpass.NewStream(c, fdpass.StreamOptions{MaxFDs: 1})
		if s != nil || !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %v, %v", network, s, err)
		}
	}
	c, _ := fdtest.Conns(t, "unix")
	s, err := fdpass.NewStream(c, fdpass.StreamOptions{MaxFDs: -1})
	if s != nil || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a negative limit: %v, %v", s, err)
	}
	s, err = fdpass.NewStream(nil, fdpass.StreamOptions{MaxFDs: 1})
	if s != nil || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("no connection: %v, %v", s, err)
	}
}
