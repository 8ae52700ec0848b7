package fdpass

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// message is what all copies of a [Message] share. It owns descriptors.
type message struct {
	payload []byte
	control []byte // the control messages: the part of the buffer that the kernel wrote
	room    int    // bytes of the control buffer that descriptors could have used
	name    []byte // the sender's address: the part of the buffer that the kernel wrote
	flags   int32
	typ     int   // of the socket, SOCK_STREAM and so on
	err     error // what is wrong with the message

	fds      []int // not yet taken
	pidfd    int   // not yet taken, if hasPIDFD
	hasPIDFD bool
	pidfdErr error // the errno that came instead of one
}

// newMessage makes a message. Its descriptors are closed at the latest when the
// garbage collector finds that the message is no longer used.
func newMessage() *message {
	m := &message{}
	runtime.SetFinalizer(m, (*message).drop)
	return m
}

// set makes m the message that the kernel has just described in h, from a socket
// of type typ, if that is known.
func (m *message) set(h *msghdr, typ int, payload, control, name []byte) {
	m.typ = typ
	m.payload = payload
	m.control = control[:min(uint(h.Controllen), uint(len(control)))]
	m.room = len(control) - len(m.control)
	m.name = name[:min(uint(h.Namelen), uint(len(name)))]
	m.flags = h.Flags
	m.err, m.pidfdErr = nil, nil
}

// accept makes m the owner of the descriptors that came, decides whether the
// message is complete, and if it is not, closes what cannot be handed over. The
// error is also that of the message, which keeps it where accept returns nil for
// [Options].KeepTruncated.
func (m *message) accept(max int, opts *Options) error {
	cause := m.collect()
	if cause != nil || len(m.fds) > max || m.flags&(rawmsg.MSG_CTRUNC|rawmsg.MSG_TRUNC) != 0 {
		return m.truncated(max, opts, cause)
	}
	return nil
}

// truncated deals with a message that is not complete.
func (m *message) truncated(max int, opts *Options, cause error) error {
	came := len(m.fds)
	switch {
	case cause != nil:
		m.err = fmt.Errorf("%w: %w", ErrTruncated, cause)
	case came > max:
		m.err = &surplusError{max}
	case m.flags&rawmsg.MSG_CTRUNC == 0:
	case came < m.fdRoom() && opts.ExtraRoom == 0:
		m.err = errNoPlace // there was room for more: only the table is left
	default:
		m.err = errNoRoom
	}
	if m.err != nil {
		m.flags |= rawmsg.MSG_CTRUNC
	}
	if m.flags&rawmsg.MSG_TRUNC != 0 && !opts.anyPayload {
		m.err = joined(m.err, ErrPayloadTruncated)
	}
	if m.err == nil {
		return nil
	}
	if !opts.KeepTruncated {
		m.drop()
		return m.err
	}
	kept := min(max, came)
	closeUnwanted(m.fds[kept:])
	m.fds = m.fds[:kept]
	return nil
}

// joined returns an error that matches both a and b. a may be nil.
func joined(a, b error) error {
	if a == nil {
		return b
	}
	return errors.Join(a, b)
}

// fdRoom returns how many descriptors there was room for in the control buffer.
func (m *message) fdRoom() int {
	return min((m.room-CmsgLen(0))/intLen, rawmsg.SCM_MAX_FD)
}

// collect finds the descriptors. An errno in the place of a descriptor is an error,
// and so is a malformed buffer. The other descriptors are found nevertheless.
func (m *message) collect() (bad error) {
	for rest := m.control; len(rest) >= headerLen; {
		level, typ, data, next := firstControl(rest)
		if next == 0 {
			return ErrMalformed
		}
		switch {
		case level != rawmsg.SOL_SOCKET:
		case typ == rawmsg.SCM_RIGHTS:
			var err error
			m.room += len(rest)
			if m.fds, err = appendRights(m.fds, data); err != nil {
				bad = err
			} else if len(data) == 0 { // gVisor says so that no descriptor found a place; Linux never does
				bad = syscall.EMFILE
			}
		case typ == rawmsg.SCM_PIDFD:
			m.pidfd, m.pidfdErr = Control{level, typ, data}.PIDFD()
			m.hasPIDFD = m.pidfdErr == nil
		}
		rest = rest[next:]
	}
	return bad
}

// holdsRights reports whether descriptors came with a control buffer.
func holdsRights(b []byte) bool {
	for len(b) >= headerLen {
		level, typ, data, next := firstControl(b)
		if next == 0 {
			return false
		}
		if level == rawmsg.SOL_SOCKET && typ == rawmsg.SCM_RIGHTS {
			return len(data) >= intLen
		}
		b = b[next:]
	}
	return false
}

// isEnd reports whether this is the end of a connection and not a message. A
// datagram socket has no end. An empty seqpacket message that brought nothing
// looks the same as the end. On other systems than Linux, descriptors that found
// no place come without payload even on a stream.
func (m *message) isEnd() bool {
	switch {
	case len(m.payload) > 0 || len(m.fds) > 0 || m.typ == rawmsg.SOCK_DGRAM:
		return false
	case m.typ == rawmsg.SOCK_STREAM && !portable:
		return true // credentials come even with the end
	}
	return len(m.control) == 0 && m.flags&(rawmsg.MSG_TRUNC|rawmsg.MSG_CTRUNC) == 0
}

// isFromNobody reports whether all that came are credentials without a process.
func (m *message) isFromNobody() bool {
	if len(m.payload) > 0 || len(m.control) == 0 || m.flags&(rawmsg.MSG_TRUNC|rawmsg.MSG_CTRUNC) != 0 {
		return false
	}
	for c := range ParseControls(m.control) {
		if cred, ok := c.Credentials(); !ok || cred.PID != 0 {
			return false
		}
	}
	return true
}
