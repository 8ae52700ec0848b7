//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// batch makes a BatchReceiver for size messages, and as many buffers of 16 bytes.
func batch(t *testing.T, conn syscall.Conn, size int, opts fdpass.Options) (*fdpass.BatchReceiver, [][]byte) {
	t.Helper()
	r, err := fdpass.NewBatchReceiver(conn, size, opts)
	if err != nil {
		t.Fatal(err)
	}
	bufs := make([][]byte, size)
	for i := range bufs {
		bufs[i] = make([]byte, 16)
	}
	return r, bufs
}

// summary says for each message its payload, its descriptors and its error, and
// closes it.
func summary(msgs []*fdpass.Message) (s []string) {
	for i := range msgs {
		m := msgs[i]
		line := fmt.Sprintf("%s %d", m.Payload(), len(m.FDs()))
		for _, err := range []error{fdpass.ErrTruncated, fdpass.ErrPayloadTruncated, syscall.EMFILE} {
			if errors.Is(m.Err(), err) {
				line += " " + err.Error()
			}
		}
		s = append(s, line)
		m.Close()
	}
	return s
}

func TestDoesABatchBringEachMessageItsOwn(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			r, bufs := batch(t, fdpass.Socket(b), 8, fdpass.Options{MaxFDs: 5, Credentials: !fdtest.Portable})
			fds := fdtest.FDs(t, 5)
			for range 2 {
				for i := range 5 {
					fdtest.MustSend(t, a, fmt.Sprint("message ", i), fds[:i+1]...)
				}
				msgs, err := r.Recv(bufs)
				if err != nil || len(msgs) != 5 {
					t.Fatalf("%d messages, %v", len(msgs), err)
				}
				for i := range msgs {
					m := msgs[i]
					if string(m.Payload()) != fmt.Sprint("message ", i) || m.Err() != nil {
						t.Errorf("message %d: %q, %v", i, m.Payload(), m.Err())
					}
					want, got := fdtest.IDs(t, fds[:i+1]...), fdtest.IDs(t, m.FDs()...)
					if !slices.Equal(got, want) {
						t.Errorf("message %d: got %v, want %v", i, got, want)
					}
					c, ok := m.Credentials()
					if !fdtest.Portable && (!ok || fdtest.Process(c) != ownCredentials()) {
						t.Errorf("message %d: %v, %v", i, c, ok)
					}
					fdtest.Close(t, m.TakeFDs()...)
				}
			}
		})
	}
}

func TestDoesTheNextBatchCloseWhatWasNotTaken(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
	r, bufs := batch(t, fdpass.Socket(b), 3, fdpass.Options{MaxFDs: 2})
	fds := fdtest.FDs(t, 2)
	before := fdtest.Count(t)
	for range 3 {
		for range 3 {
			fdtest.MustSend(t, a, "x", fds...)
		}
		if msgs, err := r.Recv(bufs); err != nil || len(msgs) != 3 {
			t.Fatal(err)
		}
		if n := fdtest.Count(t); n != before+6 {
			t.Errorf("%d descriptors more than before", n-before)
		}
	}
	fdtest.MustSend(t, a, "x")
	if _, err := r.Recv(bufs); err != nil {
		t.Fatal(err)
	}
	if n := fdtest.Count(t); n != before {
		t.Errorf("%d descriptors more than before", n-before)
	}
}

func TestIsAMessageInTheMiddleOfABatchTruncated(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			r, bufs := batch(t, fdpass.Socket(b), 4, fdpass.Options{MaxFDs: 2})
			fds := fdtest.FDs(t, 7)
			fdtest.MustSend(t, a, "a", fds[:2]...)
			fdtest.MustSend(t, a, "b", fds...)
			fdtest.MustSend(t, a, "c", fds[:1]...)
			msgs, err := r.Recv(bufs)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"a 2", "b 0 " + fdpass.ErrTruncated.Error(), "c 1"}
			if got := summary(msgs); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestIsAPayloadInTheMiddleOfABatchTruncated(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_DGRAM)
	r, bufs := batch(t, fdpass.Socket(b), 4, fdpass.Options{MaxFDs: 2})
	bufs[1] = bufs[1][:2]
	fds := fdtest.FDs(t, 2)
	for _, p := range []string{"one", "two", "three"} {
		fdtest.MustSend(t, a, p, fds...)
	}
	msgs, err := r.Recv(bufs)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"one 2", "tw 0 " + fdpass.ErrPayloadTruncated.Error(), "three 2"}
	if got := summary(msgs); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatDoesATableThatFillsUpInABatchLeak(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTable)
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
	r, bufs := batch(t, fdpass.Socket(b), 4, fdpass.Options{MaxFDs: 3})
	fds := fdtest.FDs(t, 3)
	for _, p := range []string{"a", "b", "c"} {
		fdtest.MustSend(t, a, p, fds...)
	}
	fdtest.MustSend(t, a, "d")
	restore := fdtest.LimitTable(t, 4) // one message and a third
	msgs, err := r.Recv(bufs)
	restore()
	if err != nil {
		t.Fatal(err)
	}
	full := " 0 " + fdpass.ErrTruncated.Error() + " " + syscall.EMFILE.Error()
	want := []string{"a 3", "b" + full, "c" + full, "d 0"}
	if got := summary(msgs); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHowDoesABatchEnd(t *testing.T) {
	for _, network := range []string{"unix", "unixpacket"} {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			r, bufs := batch(t, b, 4, fdpass.Options{MaxFDs: 1, Credentials: !fdtest.Portable})
			for range 2 {
				if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...); err != nil {
					t.Fatal(err)
				}
			}
			a.Close()
			msgs, err := r.Recv(bufs)
			if got := summary(msgs); err != nil || !slices.Equal(got, []string{"x 1", "x 1"}) {
				t.Errorf("got %q, %v", got, err)
			}
			for range 2 {
				if msgs, err := r.Recv(bufs); err != io.EOF || msgs != nil {
					t.Errorf("at the end: %v, %v", msgs, err)
				}
			}
			b.Close()
			if _, err := r.Recv(bufs); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		})
	}
}

func TestDoesAResetLoseTheMessagesBeforeIt(t *testing.T) {
	fdtest.SkipUnderGVisor(t, "its recvmmsg brings the messages before the reset first")
	fdtest.SkipUnderQemuUser(t, "its recvmmsg is many times recvmsg")
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r, bufs := batch(t, fdpass.Socket(b), 4, fdpass.Options{MaxFDs: 1})
	fdtest.MustSend(t, b, "never read")
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
	fdtest.Close(t, a) // with something unread, which resets the connection
	reset := func() {
		if msgs, err := r.Recv(bufs); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %q, %v, want ECONNRESET", summary(msgs), err)
		}
	}
	// recvmmsg looks for errors first, and recvmsg on a stream for messages.
	if !fdtest.Portable {
		reset()
	}
	msgs, err := r.Recv(bufs)
	if got := summary(msgs); err != nil || !slices.Equal(got, []string{"x 1"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if fdtest.Portable {
		reset()
	}
	if _, err := r.Recv(bufs); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestHowManyMessagesDoesABatchTake(t *testing.T) {
	fdtest.NoLeak(t)
	to := bound(t, filepath.Join(fdtest.SocketDir(t), "to"))
	from := bound(t, filepath.Join(fdtest.SocketDir(t), "from"))
	r, bufs := batch(t, to, 3, fdpass.Options{MaxFDs: 1, From: true})
	s := sender(t, from)
	for range 5 {
		out := &fdpass.Outgoing{
			Payload: []byte("x"), FDs: fdtest.FDs(t, 1), To: to.LocalAddr().(*net.UnixAddr),
		}
		if _, err := s.SendMessage(out); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct{ bufs, want int }{{2, 2}, {3, 3}} { // of 5 buffers, it would use 3
		msgs, err := r.Recv(append(bufs[:c.bufs:c.bufs], bufs[:2*i]...))
		if err != nil || len(msgs) != c.want {
			t.Fatalf("%d messages, want %d, %v", len(msgs), c.want, err)
		}
		for i := range msgs {
			if at := msgs[i].From(); at == nil || at.Name != from.LocalAddr().String() {
				t.Errorf("from %v", at)
			}
			msgs[i].Close()
		}
	}
	to.SetReadDeadline(time.Unix(1, 0))
	if _, err := r.Recv(bufs); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
}

func TestDoesAnEmptyMessageEndABatch(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	s, err := fdpass.NewBatchSender(a)
	if err != nil {
		t.Fatal(err)
	}
	fds := fdtest.FDs(t, 2)
	out := []fdpass.Outgoing{
		{}, {Payload: []byte("x"), FDs: fds[:1]}, {}, {Payload: []byte("y"), FDs: fds[1:]},
	}
	if n, _, err := s.Send(out); n != len(out) || err != nil {
		t.Fatal(n, err)
	}
	r, err := fdpass.NewBatchReceiver(b, len(out), fdpass.Options{MaxFDs: 1})
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := r.Recv([][]byte{make([]byte, 1), make([]byte, 1), make([]byte, 1), make([]byte, 1)})
	if err != nil || len(msgs) != len(out) {
		t.Fatalf("sent %d messages, got %d and %v", len(out), len(msgs), err)
	}
	for i := range msgs {
		if string(msgs[i].Payload()) != string(out[i].Payload) || len(msgs[i].FDs()) != len(out[i].FDs) {
			t.Errorf("message %d: %q with descriptors %v", i, msgs[i].Payload(), msgs[i].FDs())
		}
		msgs[i].Close()
	}
}

// A batch that is full of empty messages looks the same when the connection has ended.
func TestIsABatchOfEmptyMessagesTheEnd(t *testing.T) {
	fdtest.NeedsLinux(t, "POLLRDHUP, and the number of bytes in the queue")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	fdtest.NoLeak(t)
	for _, hungUp := range []bool{false, true} {
		a, b := fdtest.Conns(t, "unixpacket")
		r, bufs := batch(t, b, 1, fdpass.Options{MaxFDs: 1})
		sent := []fdpass.Outgoing{{}, {}, {Payload: []byte("x"), FDs: fdtest.FDs(t, 1)}}
		if n, _, err := batchSender(t, a).Send(sent); n != len(sent) || err != nil {
			t.Fatal(n, err)
		}
		if hungUp {
			a.Close()
		}
		for i, want := range []string{" 0", " 0", "x 1"} {
			msgs, err := r.Recv(bufs)
			if got := summary(msgs); err != nil || !slices.Equal(got, []string{want}) {
				t.Fatalf("hung up: %v: message %d: %q, %v", hungUp, i, got, err)
			}
		}
		a.Close()
		if msgs, err := r.Recv(bufs); err != io.EOF {
			t.Errorf("at the end: %q, %v", summary(msgs), err)
		}
	}
}
