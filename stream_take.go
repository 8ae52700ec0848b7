package fdpass

import (
	"os"
	"runtime"
)

// TakeFDs returns the descriptors that belong to the first consumed bytes and
// have not been taken before, in the order of their arrival. It hands them over:
// from now on the caller closes them. TakeFDs is for protocols in which each
// sendmsg(2) is one protocol message; see [Stream].
//
// If descriptors that belong to these bytes were lost, none is handed over, and the
// error is the one that Read has returned or will return.
func (s *Stream) TakeFDs(consumed int64) ([]int, error) { return s.TakeFDsInto(nil, consumed) }

// TakeFDsInto is [Stream.TakeFDs] without an allocation: it appends the descriptors
// to dst.
func (s *Stream) TakeFDsInto(dst []int, consumed int64) ([]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil && consumed >= s.lostAt {
		return dst, s.err
	}
	return s.held.take(dst, s.held.upTo(consumed)), nil
}

// TakeFiles is [Stream.TakeFDs] with files, which the caller closes.
// [Message.TakeFiles] describes the names.
func (s *Stream) TakeFiles(consumed int64, names ...string) ([]*os.File, error) {
	fds, err := s.TakeFDs(consumed)
	return newFiles(fds, names), err
}

// TakeNextFDs returns the next n descriptors in the order of their arrival. It hands
// them over: from now on the caller closes them. TakeNextFDs is for protocols in
// which one sendmsg(2) carries many protocol messages; see [Stream].
//
// If fewer than n have arrived, none is handed over, and the error is [ErrCount].
// The peer has broken the protocol then, since descriptors arrive before the end of
// their protocol message. If descriptors were lost, the error is the one of Read.
func (s *Stream) TakeNextFDs(n int) ([]int, error) {
	if n < 0 {
		return nil, errArgument("%d descriptors", n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > len(s.held.fds) {
		if s.err != nil {
			return nil, s.err
		}
		return nil, errCount(n, len(s.held.fds), 0)
	}
	return s.held.take(nil, n), nil
}

// TakeNextFiles is [Stream.TakeNextFDs] with files, which the caller closes.
// [Message.TakeFiles] describes the names.
func (s *Stream) TakeNextFiles(n int, names ...string) ([]*os.File, error) {
	fds, err := s.TakeNextFDs(n)
	return newFiles(fds, names), err
}

// DiscardFDs closes the descriptors that belong to the first consumed bytes and
// have not been taken. It returns errors as [CloseFDs] does, which also says how
// long this may wait.
func (s *Stream) DiscardFDs(consumed int64) error {
	s.mu.Lock()
	fds := s.held.take(nil, s.held.upTo(consumed))
	s.mu.Unlock()
	return CloseFDs(fds)
}

// Credentials returns those of the process that sent the last of the first consumed
// bytes, if the options asked for credentials. If they did not, or if so many bytes
// have not been read, ok is false. The Stream forgets who sent the bytes before
// that: consumed must not be smaller in the next call.
func (s *Stream) Credentials(consumed int64) (cred Credentials, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.from) > 1 && s.from[0].end < consumed {
		s.from = append(s.from[:0], s.from[1:]...)
	}
	if len(s.from) == 0 || s.from[0].end < consumed {
		return Credentials{}, false
	}
	return s.from[0].cred, s.from[0].ok
}

// TakePIDFD returns a pidfd of the process that sent the bytes which the last Read
// returned, if the options asked for one. It hands the pidfd over: from now on the
// caller closes it. The errors are those of [Message.PIDFD].
func (s *Stream) TakePIDFD() (fd int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd, err = s.held.pidfd, s.held.pidfdErr
	s.held.pidfd, s.held.pidfdErr = -1, ErrNoPIDFD
	return fd, err
}

// origin says who sent some of the bytes.
type origin struct {
	end  int64 // the offset after the last of them
	cred Credentials
	ok   bool
}

// noteOrigin notes who sent the bytes of a message, which end at the offset.
func (s *Stream) noteOrigin(m *Message) {
	cred, ok := m.Credentials()
	if last := len(s.from) - 1; last >= 0 && s.from[last].cred == cred && s.from[last].ok == ok {
		s.from[last].end = s.offset
		return
	}
	s.from = append(s.from, origin{s.offset, cred, ok})
}

// held is the descriptors that a Stream owns. The garbage collector closes those
// of a Stream that is no longer used.
type held struct {
	fds    []int // in the order of their arrival
	groups []group

	pidfd    int // of the last read, or -1
	pidfdErr error
}

// group is some of the descriptors, which arrived together.
type group struct {
	end int64 // the offset after the byte that they belong to
	n   int
}

func newHeld() *held {
	h := &held{pidfd: -1, pidfdErr: ErrNoPIDFD}
	runtime.SetFinalizer(h, (*held).drop)
	return h
}

// add takes the descriptors of a message that ends at the offset end, and its pidfd
// if that is wanted.
func (h *held) add(m *Message, end int64, pidfd bool) {
	if n := len(m.fds); n > 0 {
		h.fds = m.TakeFDsInto(h.fds)
		h.groups = append(h.groups, group{end, n})
	}
	if pidfd {
		h.dropPIDFD()
		h.pidfd, h.pidfdErr = m.TakePIDFD()
	}
}

// upTo returns how many descriptors belong to the first consumed bytes.
func (h *held) upTo(consumed int64) (n int) {
	for _, g := range h.groups {
		if g.end > consumed {
			break
		}
		n += g.n
	}
	return n
}

// take removes the first n descriptors and appends them to dst.
func (h *held) take(dst []int, n int) []int {
	dst = append(dst, h.fds[:n]...)
	h.fds = append(h.fds[:0], h.fds[n:]...)
	for n > 0 {
		g := &h.groups[0]
		if n < g.n {
			g.n -= n
			break
		}
		n -= g.n
		h.groups = append(h.groups[:0], h.groups[1:]...)
	}
	return dst
}

// drop closes everything.
func (h *held) drop() {
	closeUnwanted(h.fds)
	h.fds, h.groups = nil, nil
	h.dropPIDFD()
}

func (h *held) dropPIDFD() {
	if h.pidfd >= 0 {
		closeFD(h.pidfd)
	}
	h.pidfd, h.pidfdErr = -1, ErrNoPIDFD
}
