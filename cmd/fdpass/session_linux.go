package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// session is the messages of one connection, or of a datagram socket.
type session struct {
	*receiver
	conn  *net.UnixConn
	in    *fdpass.Receiver
	typ   int  // SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM
	ours  bool // nobody else receives from it
	peer  peer // of all messages, except on a datagram socket
	p     []byte
	count int // batches that it has brought

	active func() // called when it has brought one, or nil

	mu    sync.Mutex
	gone  bool // another connection has its place
	waits bool // it has nothing to do
}

const (
	maxData  = 1 << 20         // how many bytes of payload are kept
	oneRead  = 256 << 10       // of payload; a message of more takes a raised net.core.wmem_max
	firstFit = 16 << 10        // a payload up to this long comes in one piece
	quiet    = 2 * time.Second // how long the rest of a longer one may keep still
)

// newSession fails if the peer is not who -from says.
func (r *receiver) newSession(conn *net.UnixConn, ours bool) (*session, error) {
	s := &session{receiver: r, conn: conn, ours: ours, p: make([]byte, oneRead)}
	opts := fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD, KeepTruncated: true}
	if r.n > 0 {
		opts.MaxFDs = r.n
	}
	err := control(conn, func(fd int) (err error) {
		s.typ, err = syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
		return os.NewSyscallError("getsockopt", err)
	})
	if err != nil {
		return nil, err
	}
	if s.typ == syscall.SOCK_DGRAM {
		opts.Credentials = ours || r.from != "" // nobody has connected
	} else {
		if s.peer, err = peerOf(conn); err == nil {
			err = admit(s.peer, r.from, r.uid)
		}
		if err != nil {
			return nil, err
		}
	}
	s.in, err = fdpass.NewReceiver(conn, opts)
	return s, err
}

// batch is what is shown, or handed to a program, at once.
type batch struct {
	files []*os.File
	peer  peer
	bytes int    // of payload that came with and before them
	data  []byte // the first of it, up to maxData
	more  string // what is known to be missing from it
}

// add appends a message, which had n bytes of payload.
func (b *batch) add(m *fdpass.Message) {
	p := m.Payload()
	b.bytes += len(p)
	b.data = append(b.data, p[:min(len(p), maxData-len(b.data))]...)
	if b.bytes > len(b.data) {
		b.more = fmt.Sprintf("only the first %d bytes of the payload are kept", maxData)
	}
	if m.PayloadTruncated() {
		b.more = fmt.Sprintf("the payload is longer than the %d bytes that were read", len(p))
	}
	b.files = append(b.files, m.TakeFiles()...)
}

// gather receives -n descriptors, or as many as one message has.
func (s *session) gather(end time.Time) (b batch, err error) {
	if err := s.begin(end); err != nil {
		return b, err
	}
	for len(b.files) == 0 || len(b.files) < s.n {
		m, err := s.in.Recv(s.p)
		if err == nil {
			err = s.take(&b, m)
			if err != nil && s.typ == syscall.SOCK_DGRAM {
				closeAll(b.files)
				printError(s.explain(len(b.files), b, err))
				b = batch{}
				continue
			}
		}
		if err != nil {
			closeAll(b.files)
			return batch{bytes: max(b.bytes, len(b.files))}, s.explain(len(b.files), b, err)
		}
	}
	s.count++
	if s.active != nil {
		s.active()
	}
	s.idle(false)
	s.rest(&b, end)
	return b, nil
}

// begin sets the limit, unless the connection has lost its place.
func (s *session) begin(end time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return os.ErrDeadlineExceeded
	}
	s.waits = true
	return s.conn.SetReadDeadline(end)
}

// take adds a message to a batch. Datagrams are batches of their own: the next may
// be somebody else's.
func (s *session) take(b *batch, m *fdpass.Message) error {
	b.peer = s.peer
	if s.typ == syscall.SOCK_DGRAM {
		if c, ok := m.Credentials(); ok {
			b.peer = peerFrom(c)
		}
		if err := admit(b.peer, s.from, s.uid); err != nil {
			return errors.Join(err, m.Close())
		}
	}
	if m.Truncated() {
		return errors.Join(m.Err(), m.Close())
	}
	b.add(m)
	if n := len(b.files); s.n > 0 && n > s.n {
		return fmt.Errorf("%d of them: %w", n, fdpass.ErrTruncated)
	}
	if s.typ == syscall.SOCK_DGRAM && (len(b.files) == 0 || len(b.files) < s.n) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// rest reads what else there is of the payload. On a stream the kernel hands
// out the descriptors with the first piece, and where the payload ends does not
// show. Not all of what others may receive, too, belongs to it. The limit is that of
// the whole batch.
func (s *session) rest(b *batch, end time.Time) {
	switch {
	case s.typ != syscall.SOCK_STREAM || s.many:
		return
	case !s.ours && b.bytes > firstFit:
		b.more = "the payload may go on: the rest of it is left in the socket"
	}
	for s.ours && b.bytes <= maxData { // add says that it is too long
		m, err := s.next(b.bytes > firstFit, end)
		if errors.Is(err, os.ErrDeadlineExceeded) && b.more == "" {
			b.more = "the payload may go on: the connection is open, and nothing more came in time"
		}
		if err != nil {
			return
		}
		if n := len(m.FDs()); n > 0 || m.Truncated() {
			b.more = "another message with descriptors came after this one, and was closed"
		}
		m.Close()
		b.add(m)
	}
}

// next is the next piece of a payload. Of a long one it is waited for: the sender may
// have had to wait for room, and then for its turn.
func (s *session) next(long bool, end time.Time) (*fdpass.Message, error) {
	if !long {
		return s.in.TryRecv(s.p)
	}
	if soon := time.Now().Add(quiet); end.IsZero() || soon.Before(end) {
		end = soon
	}
	if err := s.conn.SetReadDeadline(end); err != nil {
		return nil, err
	}
	return s.in.Recv(s.p)
}

// explain says what an error of gather means here, and whose fault it was. The
// end of a connection that has brought nothing unfinished stays io.EOF.
func (s *session) explain(got int, b batch, err error) error {
	if err == io.EOF && got == 0 && b.bytes == 0 && s.count > 0 {
		return err
	}
	came := "no descriptors came"
	if got > 0 {
		came = fmt.Sprintf("only %d of %s came", got, plural(s.n, "descriptor"))
	}
	switch {
	case s.lost():
		err = fmt.Errorf("%s, and the place was needed for another connection", came)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%s within %v: %w", came, s.timeout, os.ErrDeadlineExceeded)
	case err == io.EOF:
		err = fmt.Errorf("%s before the end: %w", came, err)
	case err == io.ErrUnexpectedEOF:
		err = fmt.Errorf("%s in a datagram", came)
	case errors.Is(err, fdpass.ErrTruncated) && s.n > 0:
		err = fmt.Errorf("more than %d descriptors came: %w", s.n, err)
	}
	if b.peer.known {
		err = fmt.Errorf("%w (from %v)", err, b.peer)
	}
	return err
}

// idle says whether the session has nothing to do for now.
func (s *session) idle(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = is
}

// lost reports whether another connection has been given its place.
func (s *session) lost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// yield ends the session if it has nothing to do, and reports whether it did.
func (s *session) yield() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waits || s.gone {
		return false
	}
	s.gone = true
	s.conn.SetReadDeadline(time.Unix(1, 0))
	return true
}

// deliverAll delivers batches until the connection ends, which is io.EOF, or
// something goes wrong with it. What only cannot be delivered is printed.
func (s *session) deliverAll() error {
	failed := false
	for {
		var end time.Time
		if s.typ != syscall.SOCK_DGRAM {
			end = deadline(s.timeout)
		}
		b, err := s.gather(end)
		switch {
		case err == io.EOF && failed:
			return errPrinted
		case err != nil:
			return err
		}
		err = s.deliver(s, b)
		closeAll(b.files)
		var fatal outputError
		if errors.As(err, &fatal) {
			return err
		}
		if err != nil {
			failed = true
			printError(err)
		}
	}
}
