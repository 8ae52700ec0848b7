package fdpass

import (
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"time"

	"example.com/fdpass/internal/cmsg"
	"example.com/fdpass/rawmsg"
)

// Message is one message that a [Receiver] or a [BatchReceiver] has received.
// It owns the descriptors that came with it until they are taken; Close closes
// what is left, and so does the call that uses its memory for the next message.
type Message struct {
	payload []byte
	control []byte // what the kernel wrote of it
	left    int    // bytes of its room when the kernel came to the descriptors
	name    []byte // likewise
	flags   int32
	typ     int   // of the socket, SOCK_STREAM, …
	err     error // of this message of a batch

	fds      []int // not yet taken
	pidfd    int   // not yet taken, if hasPIDFD
	hasPIDFD bool
	pidfdErr error // the errno that came instead of one
}

// Payload is the bytes of the message: the beginning of the buffer that was
// given to receive into. It is empty only in a datagram or seqpacket message.
func (m *Message) Payload() []byte { return m.payload }

// FDs are the descriptors that came with the message and have not been taken.
// They are borrowed: the message still owns and closes them.
func (m *Message) FDs() []int { return m.fds }

// TakeFDs returns the descriptors in a slice of its own and hands them over:
// from here on the caller closes them. A second call returns none.
func (m *Message) TakeFDs() []int { return m.AppendFDs(nil) }

// AppendFDs is [Message.TakeFDs] without an allocation: it appends the
// descriptors to dst and hands them over to the caller.
func (m *Message) AppendFDs(dst []int) []int {
	dst = append(dst, m.fds...)
	m.fds = m.fds[:0]
	return dst
}

// TakeFiles returns the descriptors as files and hands them over: from here on
// the caller closes them. A second call returns none. A file's Name is
// "fdpass", since what it was opened as is not part of the message. Nonblocking
// ones go to Go's poller, where the kernel can poll them.
func (m *Message) TakeFiles() []*os.File {
	files := newFiles(m.fds)
	m.fds = m.fds[:0]
	return files
}

// newFiles makes descriptors files, which own them.
func newFiles(fds []int) []*os.File {
	if len(fds) == 0 {
		return nil
	}
	files := make([]*os.File, len(fds))
	for i, fd := range fds {
		files[i] = os.NewFile(uintptr(fd), "fdpass")
	}
	return files
}

// PIDFD is the pidfd of the sender, borrowed as for FDs. The error is
// [ErrNoPIDFD] where none came or it was taken, or the errno for which the
// kernel could not make one: EMFILE where the descriptor table is full.
func (m *Message) PIDFD() (fd int, err error) {
	switch {
	case m.hasPIDFD:
		return m.pidfd, nil
	case m.pidfdErr != nil:
		return -1, m.pidfdErr
	}
	return -1, ErrNoPIDFD
}

// TakePIDFD is PIDFD and hands the descriptor over to the caller, who closes it.
func (m *Message) TakePIDFD() (fd int, err error) {
	fd, err = m.PIDFD()
	m.hasPIDFD = false
	return fd, err
}

// Close closes the descriptors that have not been taken, the pidfd among them.
// Everything else of the message stays good. It may be called again.
func (m *Message) Close() error {
	err := closeFDs(m.fds)
	m.fds = m.fds[:0]
	if m.hasPIDFD {
		m.hasPIDFD = false
		err = errors.Join(err, closeFD(m.pidfd))
	}
	return err
}

// Truncated tells whether control messages were cut or dropped (MSG_CTRUNC), or
// descriptors beyond MaxFDs closed: what is there may not be all.
func (m *Message) Truncated() bool { return m.flags&msgCtrunc != 0 }

// PayloadTruncated tells whether the kernel dropped the end of a datagram or
// seqpacket message, for which the buffer was too short (MSG_TRUNC).
func (m *Message) PayloadTruncated() bool { return m.flags&msgTrunc != 0 }

// Err is what was wrong with this message of a batch, [ErrTruncated] or
// [ErrPayloadTruncated], or nil. Outside of a batch, Recv has returned it.
func (m *Message) Err() error { return m.err }

// Controls goes through all control messages, those that this package has no
// name for included. The data are good until the next receive. The numbers in a
// rights message are the message's descriptors, whether taken or not: look, and
// leave the closing to the others.
func (m *Message) Controls() iter.Seq[Control] {
	return func(yield func(Control) bool) {
		for c := range ParseControls(m.control) { // malformed ones were an error before
			if !yield(c) {
				return
			}
		}
	}
}

// Credentials are the sender's, if SO_PASSCRED is on; see [Options]. Of a message
// that was sent before it was, they are PID 0 and the overflow UID, 65534.
func (m *Message) Credentials() (cred Credentials, ok bool) { return find(m, Control.Credentials) }

// Label is the sender's security label, if SO_PASSSEC is on; see [Options].
func (m *Message) Label() (label string, ok bool) { return find(m, Control.Label) }

// Time is when the message was sent, if timestamps are on; see [Options].
func (m *Message) Time() (t time.Time, ok bool) { return find(m, Control.Time) }

// Inq is how many bytes are left in the socket's queue behind this message, if
// SO_INQ is on; see [Options].
func (m *Message) Inq() (n int, ok bool) { return find(m, Control.Inq) }

// find returns the value of the first control message that has one.
func find[T any](m *Message, value func(Control) (T, bool)) (v T, ok bool) {
	for c := range ParseControls(m.control) {
		if v, ok = value(c); ok {
			return v, true
		}
	}
	return v, false
}

// From is the address of the socket that the message was sent from, if
// [Options] asked for it. It is nil where that socket has none. An accepted one
// has that of the listening socket, while the other end rarely has one.
func (m *Message) From() *net.UnixAddr { return parseSockaddr(m.name, network(m.typ)) }

// fill makes m the message that the kernel has just described in h, from a
// socket of type typ.
func (m *Message) fill(h *rawmsg.Msghdr, typ int, payload, control, name []byte) {
	m.typ = typ
	m.payload = payload
	m.control = control[:min(uint(h.Controllen), uint(len(control)))]
	m.left = len(control) - len(m.control)
	m.name = name[:min(uint(h.Namelen), uint(len(name)))]
	m.flags = h.Flags
	m.pidfdErr = nil
}

// settle makes m the owner of the descriptors, decides whether the message is
// complete, and closes what cannot be handed over.
func (m *Message) settle(max int, opts *Options) error {
	cause := m.collect()
	if cause != nil || len(m.fds) > max || m.Truncated() {
		return m.cut(max, opts, cause)
	}
	if m.PayloadTruncated() {
		return ErrPayloadTruncated
	}
	return nil
}

// cut deals with a message that is not complete.
func (m *Message) cut(max int, opts *Options, cause error) error {
	m.flags |= msgCtrunc
	why := errSurplus
	switch {
	case cause != nil:
		why = fmt.Errorf("%w: %w", ErrTruncated, cause)
	case len(m.fds) < min(max, m.fitting()) && opts.ExtraRoom == 0:
		why = errMissing // there was room for more: nothing but the table is left
	}
	if opts.KeepTruncated {
		kept := min(max, len(m.fds))
		closeFDs(m.fds[kept:])
		m.fds, why = m.fds[:kept], nil
	} else {
		m.Close()
	}
	if m.PayloadTruncated() {
		return errors.Join(why, ErrPayloadTruncated)
	}
	return why
}

// fitting is how many descriptors there was room for: fewer than were asked for,
// where something came first that has been switched on later.
func (m *Message) fitting() int { return (m.left - CmsgLen(0)) / intLen }

// collect finds the descriptors. A slot that holds an errno instead of one is an
// error, as is a malformed buffer; neither hides the descriptors beside it.
func (m *Message) collect() (bad error) {
	for rest := m.control; ; {
		c, next, ok, err := cmsg.Native.Next(rest)
		if err != nil {
			return err
		}
		if !ok {
			return bad
		}
		switch c := (Control{int(c.Level), int(c.Type), c.Data}); {
		case c.is(SCM_RIGHTS):
			m.left += len(rest)
			if m.fds, err = c.Rights(m.fds); err != nil {
				bad = err
			}
		case c.is(SCM_PIDFD):
			m.pidfd, m.pidfdErr = c.PIDFD()
			m.hasPIDFD = m.pidfdErr == nil
		}
		rest = next
	}
}

// isEOF tells the end of a connection from a message. A datagram socket has no
// end. An empty seqpacket message that brought nothing cannot be told from it.
func (m *Message) isEOF() bool {
	switch {
	case len(m.payload) > 0 || len(m.fds) > 0 || m.typ == sockDgram:
		return false
	case m.typ == sockStream:
		return true // credentials come even with the end
	}
	return len(m.control) == 0 && m.flags&(msgTrunc|msgCtrunc) == 0
}
