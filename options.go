package fdpass

import (
	"errors"
	"fmt"
	"syscall"
)

// Options say what a [Receiver] or [BatchReceiver] asks of a socket
// beside its bytes. The zero value asks for nothing: no descriptors, bytes
// alone.
//
// Credentials, PIDFD, Security, Timestamps, Inq and RefuseFDs switch an option
// of the socket, for messages that are sent from then on, and leave it so. Room
// in the control buffer is made for them and for whatever the socket has
// switched on already, an accepted one by inheritance; but SO_INQ cannot be read,
// so where somebody else has set it, ask for Inq or leave ExtraRoom. An option
// that this kernel or this kind of socket does not have is an error that matches
// [errors.ErrUnsupported].
type Options struct {
	// MaxFDs is the most descriptors that a message may bring, 0 to [MaxFDs];
	// a larger number means MaxFDs. One more than that truncates the message.
	MaxFDs int

	// KeepTruncated hands over what fitted of a truncated message: Recv returns
	// it without [ErrTruncated], and [Message.Truncated] tells. At most MaxFDs
	// descriptors are kept.
	KeepTruncated bool

	Credentials bool // SO_PASSCRED: PID, UID and GID of the sender; unix(7)
	PIDFD       bool // SO_PASSPIDFD: a pidfd of the sender; Linux 6.5
	Security    bool // SO_PASSSEC: the sender's security label, where a security module has one; unix(7)
	Timestamps  bool // SO_TIMESTAMPNS: when it was sent; not on stream sockets; socket(7)
	Inq         bool // SO_INQ: bytes left in the queue; stream sockets alone; Linux 6.17
	RefuseFDs   bool // SO_PASSRIGHTS = 0: who sends descriptors gets EPERM; Linux 6.16

	// Address asks for the sender's address, which [Message.From] returns.
	Address bool

	// ExtraRoom is how many bytes of the control buffer to keep for control
	// messages that the caller has switched on and that are not above.
	ExtraRoom int
}

// What the data of each control message takes up, in bytes.
const (
	credentialsLen = 12
	intLen         = 4
	timestampLen   = 16   // the longest of its four forms
	labelLen       = 4096 // security modules stop at a page
)

// room is the size of a control buffer for at most max descriptors.
type room struct {
	before int // what the kernel writes before the descriptors
	after  int // and behind them
}

// size is what the buffer is to be: exactly max descriptors fit. Where nothing
// follows them the buffer ends with the last one, since its padding would let
// one more through.
func (r room) size(max int) int {
	switch {
	case max == 0:
		return r.before + r.after
	case r.after == 0:
		return r.before + CmsgLen(intLen*max)
	}
	return r.before + CmsgSpace(intLen*max) + r.after
}

// check looks at what can be told without a socket.
func (o *Options) check() error {
	if o.MaxFDs < 0 {
		return errArgument("%d descriptors at most", o.MaxFDs)
	}
	if o.ExtraRoom < 0 {
		return errArgument("%d bytes of extra room", o.ExtraRoom)
	}
	o.MaxFDs = min(o.MaxFDs, MaxFDs)
	return nil
}

// open finds out what conn is and applies the options to it.
func (o *Options) open(conn syscall.Conn) (end endpoint, r room, err error) {
	if err := o.check(); err != nil {
		return end, r, err
	}
	if end, err = open(conn); err != nil {
		return end, r, err
	}
	err = end.control(func(fd int) (err error) {
		r, err = o.apply(fd, end.kind())
		return err
	})
	return end, r, err
}

// apply switches the options on and works out the room that everything but
// descriptors can take up.
func (o *Options) apply(fd, typ int) (r room, err error) {
	if o.Timestamps && typ == sockStream {
		return r, fmt.Errorf("fdpass: timestamps on a stream socket: %w", errors.ErrUnsupported)
	}
	if o.Inq && typ != sockStream {
		return r, fmt.Errorf("fdpass: SO_INQ on a socket that is no stream: %w", errors.ErrUnsupported)
	}
	if o.RefuseFDs {
		if err := setsockopt(fd, soPassRights, 0); err != nil {
			return r, errOption("setsockopt", "SO_PASSRIGHTS", "Linux 6.16", err)
		}
	}
	r.after = o.ExtraRoom
	for _, s := range []struct {
		asked       bool
		opt         int
		name, since string
		room        *int
		data        int
	}{
		{o.Timestamps, soTimestampnsNew, "SO_TIMESTAMPNS_NEW", "Linux 5.1", &r.before, timestampLen},
		{false, soTimestampNew, "", "", &r.before, timestampLen},
		{false, soTimestampnsOld, "", "", &r.before, timestampLen},
		{false, soTimestampOld, "", "", &r.before, timestampLen},
		{o.Credentials, soPassCred, "SO_PASSCRED", "Linux 2.2", &r.before, credentialsLen},
		{o.Security, soPassSec, "SO_PASSSEC", "Linux 2.6.18", &r.before, labelLen},
		{o.PIDFD, soPassPIDFD, "SO_PASSPIDFD", "Linux 6.5", &r.after, intLen},
		{o.Inq, soInq, "SO_INQ", "Linux 6.17", &r.after, intLen},
	} {
		if s.asked {
			if err := setsockopt(fd, s.opt, 1); err != nil {
				return r, errOption("setsockopt", s.name, s.since, err)
			}
		} else if on, err := getsockopt(fd, s.opt); err != nil || on == 0 {
			continue
		}
		*s.room += CmsgSpace(s.data)
	}
	return r, nil
}
