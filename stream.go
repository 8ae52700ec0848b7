package fdpass

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Stream is a stream socket as an [io.Reader] and [io.Writer] that remembers at
// which byte each group of descriptors arrived. A protocol decoder, with a
// [bufio.Reader] in between or not, reads bytes, and when it has decoded a
// message asks for the descriptors that belong to the bytes up to that message's
// end, and gets no other message's:
//
//	stream, err := fdpass.NewStream(conn, 64)
//	buffered := bufio.NewReader(stream)
//	…
//	consumed := stream.Offset() - int64(buffered.Buffered())
//	fds := stream.TakeFDs(consumed)
//
// The kernel ends a read with the message whose descriptors it returns, so a
// group belongs to the last byte of its read, and to the protocol message which
// that byte is part of. Who passes bytes on without decoding them writes such a
// group with the last byte of the read, apart from the bytes before it: with the
// first one it could get into another message.
//
// A Stream owns the descriptors until they are taken. It does not own the
// connection. Reading and writing may go on at the same time; several readers,
// or several writers, may not.
type Stream struct {
	r     *Receiver
	s     *Sender
	limit int

	offset int64 // bytes read so far
	held   []int // descriptors not yet taken, in the order of their arrival
	groups []group
	err    error // what ended the reading for good
}

// group is some of the held descriptors.
type group struct {
	end int64 // the offset behind the byte that they belong to
	n   int
}

// NewStream makes a Stream of a stream socket, which holds at most limit
// descriptors at any moment. Errors are those of [NewReceiver], and EINVAL for
// another type of socket and for a negative limit.
func NewStream(conn syscall.Conn, limit int) (*Stream, error) {
	if limit < 0 {
		return nil, errArgument("a limit of %d descriptors", limit)
	}
	r, err := NewReceiver(conn, Options{MaxFDs: limit})
	if err != nil {
		return nil, err
	}
	if r.end.kind() != sockStream {
		return nil, errArgument("not a stream socket")
	}
	s, err := NewSender(conn)
	if err != nil {
		return nil, err
	}
	return &Stream{r: r, s: s, limit: limit}, nil
}

// Read implements [io.Reader]. When descriptors arrive that would be more than
// the limit, they are closed, and the error matches [ErrTooManyFDs] and is
// returned by every Read from then on, since what follows could not be decoded;
// likewise [ErrTruncated], when the descriptor table is full. The bytes that came
// with them are returned with the error.
func (s *Stream) Read(p []byte) (n int, err error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	room := min(s.limit-len(s.held), MaxFDs)
	m, err := s.r.recv(p, room, 0)
	if m == nil {
		return 0, err
	}
	n = len(m.Payload())
	s.offset += int64(n)
	if err != nil {
		if !errors.Is(err, syscall.EMFILE) && room < MaxFDs {
			err = fmt.Errorf("%w: the limit is %d: %w", ErrTooManyFDs, s.limit, err)
		}
		s.err = err
		return n, err
	}
	if k := len(m.FDs()); k > 0 {
		s.held = m.AppendFDs(s.held)
		s.groups = append(s.groups, group{s.offset, k})
	}
	return n, nil
}

// Offset is how many bytes Read has returned so far.
func (s *Stream) Offset() int64 { return s.offset }

// TakeFDs returns the descriptors that belong to the first consumed bytes and
// have not been taken before, in the order of their arrival, and hands them over:
// from here on the caller closes them.
func (s *Stream) TakeFDs(consumed int64) []int { return s.AppendFDs(nil, consumed) }

// AppendFDs is TakeFDs, and appends to dst.
func (s *Stream) AppendFDs(dst []int, consumed int64) []int {
	fds, groups := 0, 0
	for _, g := range s.groups {
		if g.end > consumed {
			break
		}
		fds += g.n
		groups++
	}
	dst = append(dst, s.held[:fds]...)
	s.held = append(s.held[:0], s.held[fds:]...)
	s.groups = append(s.groups[:0], s.groups[groups:]...)
	return dst
}

// TakeFiles is TakeFDs with files, as for [Message.TakeFiles].
func (s *Stream) TakeFiles(consumed int64) []*os.File { return newFiles(s.TakeFDs(consumed)) }

// Write implements [io.Writer]: it sends all of p, without descriptors. Errors are
// those of [Sender.SendMessage].
func (s *Stream) Write(p []byte) (n int, err error) { return s.s.Send(p) }

// WriteFDs sends all of p, and fds with its first byte, as [Sender.Send] does: fds
// stay the caller's, and p must not be empty ([ErrNoPayload]).
func (s *Stream) WriteFDs(p []byte, fds ...int) (n int, err error) { return s.s.Send(p, fds...) }

// Close closes the descriptors that have not been taken, and ends the reading:
// [net.ErrClosed]. The connection stays open; it is the caller's.
func (s *Stream) Close() error {
	err := closeFDs(s.held)
	s.held, s.groups = nil, nil
	s.err = net.ErrClosed
	return err
}

var _ io.ReadWriteCloser = (*Stream)(nil)
