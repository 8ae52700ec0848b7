//go:build linux

package ledger

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// receiveFunc receives once, into p. The message has want descriptors.
type receiveFunc func(p []byte, want int) (n int, got []token, err error)

// token is a descriptor that was received.
type token struct {
	fd   int
	file *os.File
}

// errLeft: descriptors came and were left for the library to close.
var errLeft = errors.New("left")

type receiverWay struct {
	way
	make func(c syscall.Conn, j *job, rng *rand.Rand) (receive receiveFunc, end func(), err error)
}

var (
	receivers     map[string]receiverWay
	receiverNames []string
)

func init() {
	receivers = map[string]receiverWay{
		"RecvFDs": {way: way{bare: true},
			make: once(func(c syscall.Conn, j *job, _ []byte, _ int) (int, []token, error) {
				if fd, ok := c.(fdpass.Socket); ok {
					fds, err := fdpass.RecvFDs(int(fd), j.Max)
					return 1, numbers(fds), err
				}
				files, err := fdpass.Recv(c, j.Max)
				return 1, ofFiles(files), err
			})},
		"RecvFile": {way: way{bare: true, one: true},
			make: once(func(c syscall.Conn, _ *job, _ []byte, _ int) (int, []token, error) {
				f, err := fdpass.RecvFile(c)
				if err != nil {
					return 1, nil, err
				}
				return 1, ofFiles([]*os.File{f}), nil
			})},
		"RecvMsg": {make: once(func(c syscall.Conn, j *job, p []byte, _ int) (int, []token, error) {
			n, files, err := fdpass.RecvMsg(c, p, j.Max)
			return n, ofFiles(files), err
		})},
		"RecvMsgFDs": {make: once(func(c syscall.Conn, j *job, p []byte, _ int) (int, []token, error) {
			n, fds, err := fdpass.RecvMsgFDs(c, p, j.Max)
			return n, numbers(fds), err
		})},
		"RecvExactly": {way: way{stream: -1},
			make: once(func(c syscall.Conn, j *job, p []byte, want int) (int, []token, error) {
				n, files, err := fdpass.RecvExactly(c, p, min(want, j.Max))
				return n, ofFiles(files), err
			})},
		"Receiver":        {make: makeReceiver},
		"ReceiverContext": {way: way{polled: true}, make: makeReceiver},
		"Stream":          {way: way{stream: 1}, make: makeStream},
		"Batches":         {way: way{stream: -1}, make: makeBatches},
	}
	receiverNames = slices.Sorted(maps.Keys(receivers))
}

func numbers(fds []int) (all []token) {
	for _, fd := range fds {
		all = append(all, token{fd: fd})
	}
	return all
}

func ofFiles(files []*os.File) (all []token) {
	for _, f := range files {
		all = append(all, token{fd: -1, file: f})
	}
	return all
}

// once makes a way to receive of a function that receives one message.
func once(
	f func(c syscall.Conn, j *job, p []byte, want int) (int, []token, error),
) func(syscall.Conn, *job, *rand.Rand) (receiveFunc, func(), error) {
	return func(c syscall.Conn, j *job, _ *rand.Rand) (receiveFunc, func(), error) {
		return func(p []byte, want int) (int, []token, error) { return f(c, j, p, want) }, func() {}, nil
	}
}

// makeReceiver uses the methods of a Receiver by turns, and takes what came in
// different ways, or leaves it.
func makeReceiver(c syscall.Conn, j *job, rng *rand.Rand) (receiveFunc, func(), error) {
	r, err := fdpass.NewReceiver(c, fdpass.Options{
		MaxFDs: j.Max, Credentials: rng.IntN(4) == 0, PIDFD: rng.IntN(4) == 0 && havePIDFD(),
	})
	if err != nil {
		return nil, nil, err
	}
	receive := func(p []byte, _ int) (int, []token, error) {
		m, err := receiveSomehow(r, p, j, rng)
		if m == nil {
			return 0, nil, err
		}
		n := len(m.Payload())
		if err != nil {
			return n, nil, err
		}
		got, err := takeSomehow(m, rng)
		return n, got, err
	}
	return receive, func() { r.Close() }, nil
}

func receiveSomehow(r *fdpass.Receiver, p []byte, j *job, rng *rand.Rand) (*fdpass.Message, error) {
	for {
		if rng.IntN(16) == 0 { // duplicates, which the next call closes
			if _, err := r.Peek(p); err != nil && !errors.Is(err, fdpass.ErrTruncated) {
				return nil, err
			}
		}
		var m *fdpass.Message
		var err error
		switch {
		case j.Receive == "ReceiverContext":
			ctx, cancel := hasty(rng)
			m, err = r.RecvContext(ctx, p)
			cancel()
		case rng.IntN(4) == 0:
			m, err = r.TryRecv(p)
		default:
			return r.Recv(p)
		}
		if m != nil || !mayRetry(err) {
			return m, err
		}
		time.Sleep(time.Duration(rng.IntN(50)) * time.Microsecond)
	}
}

func takeSomehow(m *fdpass.Message, rng *rand.Rand) ([]token, error) {
	switch rng.IntN(8) {
	case 0:
		return ofFiles(m.TakeFiles()), nil
	case 1:
		if len(m.FDs()) == 1 {
			fd, err := m.TakeFD()
			return numbers([]int{fd}), err
		}
	case 2:
		if len(m.FDs()) > 0 {
			return nil, errors.Join(errLeft, m.Close())
		}
	case 3:
		if len(m.FDs()) > 0 {
			return nil, errLeft // the next receive closes them
		}
	case 4:
		if fd, err := m.TakePIDFD(); err == nil {
			if err := syscall.Close(fd); err != nil {
				return nil, err
			}
		}
	}
	return numbers(m.TakeFDsInto(nil)), nil
}

// makeStream takes the descriptors of the bytes that have been read.
func makeStream(c syscall.Conn, j *job, rng *rand.Rand) (receiveFunc, func(), error) {
	s, err := fdpass.NewStream(c, fdpass.StreamOptions{MaxFDs: j.Max, PIDFD: rng.IntN(4) == 0 && havePIDFD()})
	if err != nil {
		return nil, nil, err
	}
	receive := func(p []byte, _ int) (int, []token, error) {
		n, err := readSomehow(s, p, !j.Raw, rng)
		if err != nil {
			return n, nil, err
		}
		if rng.IntN(8) == 0 {
			return n, nil, errors.Join(errLeft, s.DiscardFDs(s.Offset()))
		}
		fds, err := s.TakeFDs(s.Offset())
		return n, numbers(fds), err
	}
	return receive, func() { s.Close() }, nil
}

func readSomehow(s *fdpass.Stream, p []byte, polled bool, rng *rand.Rand) (int, error) {
	for polled && rng.IntN(2) == 0 {
		ctx, cancel := hasty(rng)
		n, err := s.ReadContext(ctx, p)
		cancel()
		if n > 0 || !mayRetry(err) {
			return n, err
		}
	}
	return s.Read(p)
}

// makeBatches receives as many messages as are there and hands out one a call.
func makeBatches(c syscall.Conn, j *job, rng *rand.Rand) (receiveFunc, func(), error) {
	size := 1 + rng.IntN(8)
	b, err := fdpass.NewBatchReceiver(c, size, fdpass.Options{MaxFDs: j.Max})
	if err != nil {
		return nil, nil, err
	}
	bufs := make([][]byte, size)
	for i := range bufs {
		bufs[i] = make([]byte, maxDatagram)
	}
	var msgs []*fdpass.Message
	receive := func(p []byte, _ int) (int, []token, error) {
		if len(msgs) == 0 {
			if msgs, err = b.Recv(bufs); err != nil {
				return 0, nil, err
			}
		}
		m := msgs[0]
		msgs = msgs[1:]
		n := copy(p, m.Payload())
		if err := m.Err(); err != nil {
			return n, nil, err
		}
		got, err := takeSomehow(m, rng)
		return n, got, err
	}
	return receive, func() { b.Close() }, nil
}

// havePIDFD reports whether the kernel has SO_PASSPIDFD.
func havePIDFD() bool {
	fds, err := retry(func() ([2]int, error) {
		return syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	})
	if err != nil {
		return false
	}
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	return syscall.SetsockoptInt(fds[0], rawmsg.SOL_SOCKET, rawmsg.SO_PASSPIDFD, 1) == nil
}
