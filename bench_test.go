//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// These benchmarks are for everyday work; benchstat compares two runs of
//
//	go test -run '^$' -bench . -count 10 .
//
// The comparison with C and with other libraries is in bench/.
//
// Each benchmark fills the queue of a stream socket, and times only the receiving,
// or empties the queue, and times only the sending. Closing is timed only where the
// name says so.

const batchSize = 64

// queued returns how many messages are in the queue at once. The socket's buffer and a
// table of 20,000 descriptors have room for them.
func (l *link) queued() int {
	if len(l.fds) > 8 {
		return batchSize
	}
	return 4 * batchSize
}

// counts are the numbers of descriptors in a message.
var counts = []int{1, 8, 64, 253}

// link is a connected pair of sockets, b of which may be a net.UnixConn.
type link struct {
	a, b int // bare descriptors
	conn *net.UnixConn
	send *fdpass.BatchSender
	fds  []int
	one  []byte
}

func newLink(b *testing.B, nfds int, conn bool) *link {
	b.Helper()
	l := &link{one: make([]byte, 1), fds: fdtest.FDs(b, nfds)}
	l.a, l.b = fdtest.Pair(b, syscall.SOCK_STREAM)
	l.send = must(fdpass.NewBatchSender(fdpass.Socket(l.a)))(b)
	if conn {
		l.conn = unixConn(b, l.b)
	}
	return l
}

// unixConn makes a net.UnixConn of a duplicate of a socket. The other end stays
// a bare descriptor: in Go's poller it would wake up for every message that is
// taken off the queue, and that would be timed as well.
func unixConn(b *testing.B, sock int) *net.UnixConn {
	b.Helper()
	f := os.NewFile(uintptr(must(syscall.Dup(sock))(b)), "socket")
	defer f.Close()
	c := must(net.FileConn(f))(b)
	b.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn)
}

// end returns the receiving end.
func (l *link) end() syscall.Conn {
	if l.conn != nil {
		return l.conn
	}
	return fdpass.Socket(l.b)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// fill puts messages into the queue.
func (l *link) fill(b *testing.B, messages int) {
	out := make([]fdpass.Outgoing, messages)
	for i := range out {
		out[i] = fdpass.Outgoing{Payload: l.one, FDs: l.fds}
	}
	if n, _, err := l.send.Send(out); err != nil {
		b.Fatal(n, err)
	}
}

// drain times recv, which takes unit messages off the queue and appends their
// descriptors to a slice.
func (l *link) drain(b *testing.B, unit int, recv func(fds []int) ([]int, error)) {
	b.Helper()
	b.ReportAllocs()
	queued := l.queued()
	kept := make([]int, 0, queued*len(l.fds))
	b.ResetTimer()
	for left := b.N; left > 0; left -= queued {
		b.StopTimer()
		l.fill(b, queued)
		b.StartTimer()
		var err error
		for range queued / unit {
			if kept, err = recv(kept); err != nil {
				fdtest.Close(b, kept...)
				b.Fatal(err)
			}
		}
		b.StopTimer()
		fdtest.Close(b, kept...)
		if want := queued * len(l.fds); len(kept) != want && len(kept) != 0 {
			b.Fatalf("%d descriptors came, not %d", len(kept), want)
		}
		kept = kept[:0]
		b.StartTimer()
	}
}

// forCounts runs a benchmark for each number of descriptors, on a bare
// descriptor or on a net.UnixConn.
func forCounts(b *testing.B, conn bool, f func(b *testing.B, l *link, nfds int)) {
	for _, nfds := range counts {
		b.Run(fmt.Sprintf("fds=%d", nfds), func(b *testing.B) { f(b, newLink(b, nfds, conn), nfds) })
	}
}

func BenchmarkReceiver(b *testing.B) {
	for _, conn := range []bool{false, true} {
		b.Run(endName(conn), func(b *testing.B) {
			forCounts(b, conn, func(b *testing.B, l *link, nfds int) {
				r := must(fdpass.NewReceiver(l.end(), fdpass.Options{MaxFDs: nfds}))(b)
				l.drain(b, 1, func(fds []int) ([]int, error) {
					m, err := r.Recv(l.one)
					if err != nil {
						return fds, err
					}
					return m.TakeFDsInto(fds), nil
				})
			})
		})
	}
}

func endName(conn bool) string {
	if conn {
		return "end=UnixConn"
	}
	return "end=bare"
}

// BenchmarkReceiverClose also times closing what came.
func BenchmarkReceiverClose(b *testing.B) {
	forCounts(b, false, func(b *testing.B, l *link, nfds int) {
		r := must(fdpass.NewReceiver(l.end(), fdpass.Options{MaxFDs: nfds}))(b)
		l.drain(b, 1, func([]int) ([]int, error) {
			m, err := r.Recv(l.one)
			if err != nil {
				return nil, err
			}
			return nil, m.Close()
		})
	})
}

// BenchmarkCloseFDs closes descriptors whose numbers follow each other.
func BenchmarkCloseFDs(b *testing.B) {
	closeEach := func(fds []int) (err error) {
		for _, fd := range fds {
			err = errors.Join(err, syscall.Close(fd))
		}
		return err
	}
	for _, c := range []struct {
		name  string
		close func(fds []int) error
	}{{"CloseFDs", fdpass.CloseFDs}, {"one_by_one", closeEach}} {
		for _, nfds := range []int{1, 2, 3, 4, 8, 64, 253} {
			b.Run(fmt.Sprintf("%s/fds=%d", c.name, nfds), func(b *testing.B) {
				fds := make([]int, nfds)
				b.ResetTimer()
				for range b.N {
					b.StopTimer()
					for i := range fds {
						fds[i] = must(syscall.Dup(0))(b)
					}
					b.StartTimer()
					if err := c.close(fds); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkBatchReceiver(b *testing.B) {
	for _, conn := range []bool{false, true} {
		b.Run(endName(conn), func(b *testing.B) {
			forCounts(b, conn, func(b *testing.B, l *link, nfds int) {
				r := must(fdpass.NewBatchReceiver(l.end(), batchSize, fdpass.Options{MaxFDs: nfds}))(b)
				bufs := make([][]byte, batchSize)
				for i := range bufs {
					bufs[i] = make([]byte, 1)
				}
				l.drain(b, batchSize, func(fds []int) ([]int, error) {
					msgs, err := r.Recv(bufs)
					for i := range msgs {
						fds = msgs[i].TakeFDsInto(fds)
					}
					return fds, err
				})
			})
		})
	}
}

func BenchmarkRecvFDs(b *testing.B) {
	forCounts(b, false, func(b *testing.B, l *link, nfds int) {
		l.drain(b, 1, func(fds []int) ([]int, error) {
			got, err := fdpass.RecvFDs(l.b, nfds)
			return append(fds, got...), err
		})
	})
}

// BenchmarkRecv also times closing, since nothing but Close ends a file.
func BenchmarkRecv(b *testing.B) {
	forCounts(b, true, func(b *testing.B, l *link, nfds int) {
		l.drain(b, 1, func([]int) ([]int, error) {
			files, err := fdpass.Recv(l.conn, nfds)
			for _, f := range files {
				f.Close()
			}
			return nil, err
		})
	})
}

// supply times send, which puts unit messages into the queue.
func (l *link) supply(b *testing.B, unit int, send func() error) {
	b.Helper()
	b.ReportAllocs()
	queued := l.queued()
	for left := b.N; left > 0; left -= queued {
		for range queued / unit {
			if err := send(); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		// A read without room for descriptors has the kernel drop them.
		for range queued {
			if n, err := syscall.Read(l.a, l.one); n != 1 {
				b.Fatal(n, err)
			}
		}
		b.StartTimer()
	}
}

func BenchmarkSender(b *testing.B) {
	forCounts(b, false, func(b *testing.B, l *link, _ int) {
		s := must(fdpass.NewSender(l.end()))(b)
		l.supply(b, 1, func() error {
			_, err := s.Send(l.one, l.fds...)
			return err
		})
	})
}

func BenchmarkBatchSender(b *testing.B) {
	forCounts(b, false, func(b *testing.B, l *link, _ int) {
		s := must(fdpass.NewBatchSender(l.end()))(b)
		out := make([]fdpass.Outgoing, batchSize)
		for i := range out {
			out[i] = fdpass.Outgoing{Payload: l.one, FDs: l.fds}
		}
		l.supply(b, batchSize, func() error {
			_, _, err := s.Send(out)
			return err
		})
	})
}

func BenchmarkSendFDs(b *testing.B) {
	forCounts(b, false, func(b *testing.B, l *link, _ int) {
		l.supply(b, 1, func() error { return fdpass.SendFDs(l.b, l.fds...) })
	})
}

func BenchmarkSend(b *testing.B) {
	forCounts(b, false, func(b *testing.B, l *link, nfds int) {
		files := fdtest.Files(b, nfds)
		l.supply(b, 1, func() error { return fdpass.Send(fdpass.Socket(l.b), files...) })
	})
}

func BenchmarkParse(b *testing.B) {
	for _, nfds := range counts {
		b.Run(fmt.Sprintf("fds=%d", nfds), func(b *testing.B) {
			b.ReportAllocs()
			control, fds := fdpass.AppendRights(nil, make([]int, nfds)...), make([]int, 0, nfds)
			b.ResetTimer()
			for range b.N {
				fds = fds[:0]
				for c, err := range fdpass.ParseControls(control) {
					if err != nil {
						b.Fatal(err)
					}
					fds, _ = c.Rights(fds)
				}
			}
			if len(fds) != nfds {
				b.Fatalf("%d descriptors, not %d", len(fds), nfds)
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, nfds := range counts {
		b.Run(fmt.Sprintf("fds=%d", nfds), func(b *testing.B) {
			b.ReportAllocs()
			fds, control := make([]int, nfds), make([]byte, 0, fdpass.CmsgSpace(4*nfds))
			b.ResetTimer()
			for range b.N {
				control = fdpass.AppendRights(control[:0], fds...)
			}
		})
	}
}
