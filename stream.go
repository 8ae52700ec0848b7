package fdpass

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"example.com/fdpass/rawmsg"
)

// Stream is a stream socket as an [io.ReadWriteCloser] that keeps the
// descriptors which arrive between the bytes. A decoder reads bytes, perhaps
// through a [bufio.Reader], and takes the descriptors of a protocol message when it
// has decoded that message. There are two ways to find them, and the protocol
// decides which is right.
//
// In D-Bus, varlink and vhost-user, each sendmsg(2) is one protocol message. The
// kernel ends a read with the message whose descriptors it returns, so they
// belong to the protocol message that the last byte of the read is part of.
// [Stream.TakeFDs] returns the descriptors that belong to the bytes that the
// decoder has consumed:
//
//	stream, err := fdpass.NewStream(conn, fdpass.StreamOptions{MaxFDs: 64})
//	buffered := bufio.NewReader(stream)
//	// Decode a message, then:
//	consumed := stream.Offset() - int64(buffered.Buffered())
//	fds, err := stream.TakeFDs(consumed)
//
// In Wayland, PipeWire and imsg (tmux, OpenBSD's daemons), one sendmsg(2) carries
// many protocol messages, and the descriptors of all of them. The place where
// they arrive means nothing. They are a queue, and each protocol message says how
// many of them it takes. (A receiver of imsg takes one descriptor from each
// recvmsg(2) and closes the others: send it one in a message.)
// [Stream.TakeNextFDs] returns the number of descriptors that it is asked for:
//
//	fds, err := stream.TakeNextFDs(1) // the message is wl_shm.create_pool
//
// Both return an error if descriptors were lost, so that a decoder never takes
// "lost" for "none came".
//
// A program that passes bytes on without decoding them is a relay; see [Relay].
//
// A Stream owns the descriptors until they are taken. Reading, writing and Close
// may happen at the same time in different goroutines. Several readers, or several
// writers, may not. [SendMsg] and a [Sender] on the same connection may be used
// beside a Stream.
type Stream struct {
	r    *Receiver
	s    *Sender
	opts StreamOptions

	mu     sync.Mutex
	closed bool
	offset int64 // bytes read so far
	err    error // what every later Read returns, or nil
	lostAt int64 // the offset at which descriptors were lost, if err says so
	held   *held
	from   []origin // who sent which bytes, if the options ask for it
}

// StreamOptions say what a [Stream] asks of a socket, apart from its bytes.
type StreamOptions struct {
	// MaxFDs is the largest number of descriptors that the Stream holds at any
	// moment, 0 or more. If more arrive ([ErrTooManyFDs]), the peer has broken the
	// protocol or the program has not taken those that came before.
	MaxFDs int

	Credentials bool // SO_PASSCRED: who sent which bytes; see [Stream.Credentials]
	PIDFD       bool // SO_PASSPIDFD: a pidfd with each read; see [Stream.TakePIDFD]
}

// NewStream makes a Stream of a stream socket. From then on the Stream owns the
// connection: [Stream.Close] closes it. Errors are those of [NewReceiver], and
// EINVAL for another type of socket and for a negative limit. After an error the
// connection is still the caller's.
func NewStream(conn syscall.Conn, opts StreamOptions) (*Stream, error) {
	if opts.MaxFDs < 0 {
		return nil, errArgument("a limit of %d descriptors", opts.MaxFDs)
	}
	r, err := NewReceiver(conn, Options{
		MaxFDs: opts.MaxFDs, Credentials: opts.Credentials, PIDFD: opts.PIDFD,
	})
	if err != nil {
		return nil, err
	}
	if typ, err := r.end.kind(); err != nil {
		return nil, err
	} else if typ != rawmsg.SOCK_STREAM {
		return nil, errArgument("not a stream socket")
	}
	s, err := NewSender(conn)
	if err != nil {
		return nil, err
	}
	return &Stream{r: r, s: s, opts: opts, held: newHeld()}, nil
}

// Read implements [io.Reader]. If more descriptors arrive than MaxFDs allows, it
// closes those that have just arrived, and the error matches [ErrTooManyFDs]. If the
// descriptor table is full, the error matches [ErrTruncated] and EMFILE. In both
// cases the bytes that came with the descriptors are returned with the error, and
// every later Read returns the same error, since what follows could not be decoded.
// The other errors are those of [Receiver.Recv].
func (s *Stream) Read(p []byte) (n int, err error) {
	s.mu.Lock()
	err, room := s.err, s.opts.MaxFDs-len(s.held.fds)
	s.mu.Unlock()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	m, err := s.r.recv(p, min(room, rawmsg.SCM_MAX_FD), 0)
	defer s.r.msg.drop()
	return s.accept(m, err)
}

// ReadContext is [Stream.Read], but its wait ends when ctx is done, as with
// [Receiver.RecvContext].
func (s *Stream) ReadContext(ctx context.Context, p []byte) (n int, err error) {
	err = s.r.end.within(ctx, reading, func() error {
		n, err = s.Read(p)
		return err
	})
	return n, err
}

// accept makes the Stream the owner of what a message has brought.
func (s *Stream) accept(m *Message, err error) (n int, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, s.err
	}
	if m == nil {
		return 0, err
	}
	n = len(m.Payload())
	s.offset += int64(n)
	if s.opts.Credentials {
		s.noteOrigin(m)
	}
	if err != nil {
		var surplus *surplusError
		if errors.As(err, &surplus) && surplus.max < rawmsg.SCM_MAX_FD {
			err = fmt.Errorf("%w: the limit is %d: %w", ErrTooManyFDs, s.opts.MaxFDs, err)
		}
		s.err, s.lostAt = err, s.offset
		return n, err
	}
	end := s.offset
	if firstByte {
		end += 1 - int64(n)
	}
	s.held.add(m, end, s.opts.PIDFD)
	return n, nil
}

// Offset returns how many bytes Read has returned so far.
func (s *Stream) Offset() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset
}

// Write implements [io.Writer]: it sends all of p, without descriptors. Errors are
// those of [Sender.SendMessage].
func (s *Stream) Write(p []byte) (n int, err error) { return s.SendMessage(&Outgoing{Payload: p}) }

// Send sends all of p, and fds with its first byte, as [Sender.Send] does: the
// descriptors stay the caller's, and p must not be empty ([ErrNoPayload]).
func (s *Stream) Send(p []byte, fds ...int) (n int, err error) {
	return s.SendMessage(&Outgoing{Payload: p, FDs: fds})
}

// SendMessage sends a message, as [Sender.SendMessage] does.
func (s *Stream) SendMessage(out *Outgoing) (n int, err error) {
	if err := s.writable(); err != nil {
		return 0, err
	}
	return s.s.SendMessage(out)
}

// SendMessageContext sends a message, as [Sender.SendMessageContext] does.
func (s *Stream) SendMessageContext(ctx context.Context, out *Outgoing) (n int, err error) {
	if err := s.writable(); err != nil {
		return 0, err
	}
	return s.s.SendMessageContext(ctx, out)
}

func (s *Stream) writable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	return nil
}

// SetReadDeadline sets the connection's read deadline, as
// [Receiver.SetReadDeadline] does.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.r.SetReadDeadline(t) }

// SetWriteDeadline sets the connection's write deadline, as
// [Sender.SetWriteDeadline] does.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.s.SetWriteDeadline(t) }

// Close closes the connection and the descriptors that have not been taken. A Read
// in another goroutine ends with [net.ErrClosed], and so does every Read, Write
// and Send from now on. It may be called again.
//
// If the connection is a [Socket], its descriptor belongs to the caller: Close does
// not close it, and does not end a Read that waits in the kernel. Descriptors that
// such a Read still receives are closed.
func (s *Stream) Close() (err error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed, s.err, s.lostAt = true, errClosed, 0
	s.held.drop()
	s.mu.Unlock()
	if c, ok := s.r.end.conn.(io.Closer); ok {
		err = c.Close()
		if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) {
			err = nil // the caller was first
		}
	}
	return err
}

var _ io.ReadWriteCloser = (*Stream)(nil)
