package fdpass

import (
	"errors"
	"iter"
	"net"
	"os"
	"time"

	"example.com/fdpass/rawmsg"
)

// Message is one message that a [Receiver] or a [BatchReceiver] has received.
// It owns the descriptors that came with it until they are taken. Close closes
// what was not taken, and so does the next receive, which uses the memory of the
// message again.
//
// A copy of a Message is the same message: what is taken from one is taken from
// the other. There is no reason to make one, and go vet says so.
type Message struct {
	_ noCopy
	*message
}

// noCopy makes go vet report copies of the struct that it is in.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Payload returns the bytes of the message: the beginning of the buffer that the
// caller gave to the receive. It is empty only in a datagram or seqpacket message.
func (m *Message) Payload() []byte { return m.payload }

// FDs returns the descriptors that came with the message and have not been taken.
// They are borrowed: the message still owns them. It closes them at the latest when
// the garbage collector finds that the message is no longer used.
func (m *Message) FDs() []int { return m.fds }

// TakeFDs returns the descriptors in a new slice and hands them over: from now on
// the caller closes them. A second call returns none.
func (m *Message) TakeFDs() []int { return m.TakeFDsInto(nil) }

// TakeFDsInto is [Message.TakeFDs] without an allocation: it appends the
// descriptors to dst, and the caller closes them.
func (m *Message) TakeFDsInto(dst []int) []int {
	dst = append(dst, m.fds...)
	m.fds = m.fds[:0]
	return dst
}

// TakeFD returns the one descriptor of the message and hands it over: from now on
// the caller closes it. If there is none, or if there are several, the error is
// [ErrCount] and the message keeps them.
func (m *Message) TakeFD() (fd int, err error) {
	if len(m.fds) != 1 {
		return -1, errCount(1, len(m.fds), len(m.payload))
	}
	fd = m.fds[0]
	m.fds = m.fds[:0]
	return fd, nil
}

// TakeFile is [Message.TakeFD] with a file of the given name in the place of the
// number.
func (m *Message) TakeFile(name string) (*os.File, error) {
	fd, err := m.TakeFD()
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// TakeFiles returns the descriptors as files and hands them over: from now on
// the caller closes them. A second call returns none.
//
// The names are those of the first files. The others are called "fdpass", since a
// message does not say under which name a file was opened.
//
// A nonblocking descriptor that the kernel can poll joins Go's poller: the file has
// deadlines, and Close ends a Read. Any other file has no deadlines, and Close does
// not end a Read. To make a terminal or a pipe join, take the number and call
// [syscall.SetNonblock] before [os.NewFile]. This changes the open file
// description, which other processes share.
func (m *Message) TakeFiles(names ...string) []*os.File {
	files := newFiles(m.fds, names)
	m.fds = m.fds[:0]
	return files
}

// TakeEachFile is [Message.TakeFiles] for a program that needs only a few of many
// files. Each file is made, and handed over to the caller, when the iteration
// comes to it. The message keeps the descriptors that the iteration does not come
// to. To make a file takes 20 times as long as to take its number.
func (m *Message) TakeEachFile(names ...string) iter.Seq[*os.File] {
	return func(yield func(*os.File) bool) {
		for i := 0; len(m.fds) > 0; i++ {
			f := newFile(m.fds[0], i, names)
			m.fds = append(m.fds[:0], m.fds[1:]...)
			if !yield(f) {
				return
			}
		}
	}
}

// PIDFD returns the pidfd of the sender, borrowed as with FDs. The error is
// [ErrNoPIDFD] if none came or if it was taken. If the kernel could not make one,
// the error is an errno: EMFILE if the descriptor table was full, and before Linux
// 6.17 ESRCH or EINVAL if the sender had ended.
func (m *Message) PIDFD() (fd int, err error) {
	switch {
	case m.hasPIDFD:
		return m.pidfd, nil
	case m.pidfdErr != nil:
		return -1, m.pidfdErr
	}
	return -1, ErrNoPIDFD
}

// TakePIDFD is [Message.PIDFD], and hands the descriptor over: from now on the
// caller closes it.
func (m *Message) TakePIDFD() (fd int, err error) {
	fd, err = m.PIDFD()
	m.hasPIDFD = false
	return fd, err
}

// Close closes the descriptors and the pidfd that have not been taken, and returns
// errors as [CloseFDs] does, which also says how long this may wait. Everything
// else of the message stays valid. Close may be called again, and on a nil Message.
func (m *Message) Close() error {
	if m == nil || m.message == nil {
		return nil
	}
	return m.close()
}

// Truncated reports whether the kernel shortened or dropped control messages
// (MSG_CTRUNC), or whether descriptors beyond MaxFDs were closed. If so, something
// that was sent is missing.
func (m *Message) Truncated() bool { return m.flags&rawmsg.MSG_CTRUNC != 0 }

// PayloadTruncated reports whether the kernel dropped the end of a datagram or
// seqpacket message, because the buffer was too short (MSG_TRUNC).
func (m *Message) PayloadTruncated() bool { return m.flags&rawmsg.MSG_TRUNC != 0 }

// Err returns what was wrong with the message, or nil: [ErrTruncated] with its
// cause, [ErrPayloadTruncated], or both. [Receiver.Recv] returns the same error,
// except with [Options].KeepTruncated. For a message of a batch, this is the only
// place where it is reported.
func (m *Message) Err() error { return m.err }

// Controls iterates over all control messages, including those that this package
// has no name for. The data are valid until the next receive. The numbers in a
// rights message are those of FDs, whether taken or not: the caller may look at
// them, and only their owner closes them.
func (m *Message) Controls() iter.Seq[Control] {
	return func(yield func(Control) bool) {
		for c, err := range ParseControls(m.control) {
			if err != nil || !yield(c) { // the receive has reported the error
				return
			}
		}
	}
}

// Credentials returns those of the sender, if SO_PASSCRED is on; see [Options]. For
// a message that was sent before it was on, they are PID 0 and the overflow UID,
// 65534.
func (m *Message) Credentials() (cred Credentials, ok bool) { return find(m, Control.Credentials) }

// SecurityLabel returns the label of the sender, if SO_PASSSEC is on; see [Options].
func (m *Message) SecurityLabel() (label string, ok bool) { return find(m, Control.SecurityLabel) }

// Timestamp returns when the message was sent, if timestamps are on; see [Options].
func (m *Message) Timestamp() (t time.Time, ok bool) { return find(m, Control.Timestamp) }

// QueuedBytes returns the number of bytes that were in the socket's queue after this
// message, if SO_INQ is on; see [Options].
func (m *Message) QueuedBytes() (n int, ok bool) { return find(m, Control.QueuedBytes) }

// find returns the value of the first control message that has one.
func find[T any](m *Message, value func(Control) (T, bool)) (v T, ok bool) {
	for c := range ParseControls(m.control) {
		if v, ok = value(c); ok {
			return v, true
		}
	}
	return v, false
}

// From returns the address of the socket that the message was sent from, if
// [Options] asked for it: msg_name of recvmsg(2). It is nil if that socket has no
// address, as is usual for the client of a stream connection. A socket that was
// accepted has the address of the listening socket.
func (m *Message) From() *net.UnixAddr { return parseSockaddr(m.name, network(m.typ)) }

// close closes what was not taken.
func (m *message) close() error {
	err := closeFDs(m.fds)
	m.fds = m.fds[:0]
	if m.hasPIDFD {
		m.hasPIDFD = false
		err = errors.Join(err, closeFD(m.pidfd))
	}
	return err
}

// takeAll appends what was not taken, the pidfd included, to dst.
func (m *message) takeAll(dst []int) []int {
	if len(m.fds) > 0 {
		dst = append(dst, m.fds...)
		m.fds = m.fds[:0]
	}
	if m.hasPIDFD {
		dst = append(dst, m.pidfd)
		m.hasPIDFD = false
	}
	return dst
}

// drop closes what was not taken and what the caller did not ask to close now;
// see closeUnwanted.
func (m *message) drop() {
	if len(m.fds) > 0 {
		closeUnwanted(m.fds)
		m.fds = m.fds[:0]
	}
	if m.hasPIDFD {
		m.hasPIDFD = false
		closeFD(m.pidfd)
	}
}
