package fdpass

import (
	"errors"
	"fmt"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// Options say what a [Receiver] or [BatchReceiver] asks of a socket, apart from its
// bytes. The zero value asks for nothing: no descriptors, only bytes.
//
// Credentials, PIDFD, SecurityLabel, Timestamp, QueuedBytes and RefuseFDs set an
// option of the socket, which applies to messages that are sent from then on. The
// option stays set. The control buffer has room for what these options bring, and
// for what the socket had switched on before: an accepted socket, for example,
// inherits options. An option that this kernel or this kind of socket does not have
// is an error that matches [errors.ErrUnsupported].
//
// A peer that is not trusted can send files whose close(2) waits as long as the
// peer likes, for example a file of its own FUSE file system. Every file that
// nobody wants has to be closed: by this package, or by the kernel, if the
// descriptor table is full or if read(2) passes over the file. RefuseFDs prevents
// this: the descriptors do not arrive.
type Options struct {
	// MaxFDs is the largest number of descriptors that a message may bring, 0 to
	// [rawmsg.SCM_MAX_FD]. A larger number means SCM_MAX_FD. A message that brings
	// more is truncated ([ErrTruncated]).
	MaxFDs int

	// KeepTruncated hands over what arrived of a truncated message: Recv returns
	// it without an error, and [Message.Err] says what is missing. At most MaxFDs
	// descriptors are kept.
	KeepTruncated bool

	Credentials   bool // SO_PASSCRED: PID, UID and GID of the sender; unix(7)
	PIDFD         bool // SO_PASSPIDFD: a pidfd of the sender; Linux 6.5
	SecurityLabel bool // SO_PASSSEC: the sender's security label, if a security module has one; unix(7)
	Timestamp     bool // SO_TIMESTAMPNS: when the message was sent; not on stream sockets; socket(7)
	QueuedBytes   bool // SO_INQ: bytes left in the queue; only on stream sockets; Linux 6.17
	RefuseFDs     bool // SO_PASSRIGHTS = 0: the sender of descriptors gets EPERM; Linux 6.16

	// From asks for the sender's address, which [Message.From] returns.
	From bool

	// ExtraRoom is the number of bytes that the control buffer has for control
	// messages of other options, which the caller has switched on. It is at most
	// 1 MiB.
	ExtraRoom int

	anyPayload bool // whether a truncated payload is no error
}

// Apply switches on what o asks for, without receiving. It can be called on a
// [*net.UnixListener], before anybody connects: every connection that is accepted
// later inherits the options, so that even the first message of a client has its
// credentials. Errors are those of [NewReceiver].
func (o Options) Apply(conn syscall.Conn) error {
	_, _, err := o.open(conn)
	return err
}

// These are the lengths of the data of control messages, in bytes.
const (
	credentialsLen  = 12
	intLen          = 4
	timestampLen    = 16     // the longest of the forms of one time
	timestampingLen = 3 * 16 // SCM_TIMESTAMPING has three
	labelLen        = 4096   // security modules stop at a page
	maxExtraRoom    = 1 << 20
)

// rightsRoom is room for as many descriptors as a message can carry. So the kernel
// never has to drop one because there is no room for it. It would close the file
// inside recvmsg(2), and that can take long. Descriptors that nobody asked for are
// closed afterwards.
var rightsRoom = CmsgSpace(intLen * rawmsg.SCM_MAX_FD)

// commonRoom is room for everything but security labels.
var commonRoom = rightsRoom + CmsgSpace(timestampLen) + CmsgSpace(timestampingLen) +
	CmsgSpace(credentialsLen) + CmsgSpace(intLen) + CmsgSpace(intLen) // pidfd, bytes in the queue

// check looks for mistakes that can be seen without a socket.
func (o *Options) check() error {
	if o.MaxFDs < 0 {
		return errArgument("%d descriptors at most", o.MaxFDs)
	}
	if o.ExtraRoom < 0 || o.ExtraRoom > maxExtraRoom {
		return errArgument("%d bytes of extra room", o.ExtraRoom)
	}
	o.MaxFDs = min(o.MaxFDs, rawmsg.SCM_MAX_FD)
	return nil
}

// open finds out what conn is, applies the options to it, and returns the size of
// the control buffer that it needs.
func (o *Options) open(conn syscall.Conn) (end endpoint, room int, err error) {
	if err := o.check(); err != nil {
		return end, 0, err
	}
	if end, err = open(conn); err != nil {
		return end, 0, err
	}
	typ, err := end.kind()
	if err != nil {
		return end, 0, err
	}
	err = end.control(func(fd int) (err error) {
		room, err = o.apply(fd, typ)
		return err
	})
	return end, room, err
}

// apply switches the options on, and returns the size of a control buffer for
// everything that can come.
func (o *Options) apply(fd, typ int) (room int, err error) {
	if o.Timestamp && typ == rawmsg.SOCK_STREAM {
		return 0, fmt.Errorf("fdpass: timestamps on a stream socket: %w", errors.ErrUnsupported)
	}
	if o.QueuedBytes && typ != rawmsg.SOCK_STREAM {
		err = errors.ErrUnsupported
		return 0, fmt.Errorf("fdpass: SO_INQ on a socket that is not a stream: %w", err)
	}
	if o.RefuseFDs {
		if err := setsockopt(fd, rawmsg.SO_PASSRIGHTS, 0); err != nil {
			return 0, errOption("setsockopt", "SO_PASSRIGHTS", "Linux 6.16", err)
		}
		if err := checkOption(fd, rawmsg.SO_PASSRIGHTS, false); err != nil {
			return 0, errOption("getsockopt", "SO_PASSRIGHTS", "Linux 6.16", err)
		}
	}
	room = rightsRoom + o.ExtraRoom + CmsgSpace(intLen) // for SO_INQ, which cannot be read
	for _, s := range []struct {
		asked       bool
		opt         int
		name, since string
		data        int
	}{
		{o.Timestamp, rawmsg.SO_TIMESTAMPNS_NEW, "SO_TIMESTAMPNS_NEW", "Linux 5.1", timestampLen},
		{false, rawmsg.SO_TIMESTAMP_NEW, "", "", timestampLen},
		{false, rawmsg.SO_TIMESTAMPNS_OLD, "", "", timestampLen},
		{false, rawmsg.SO_TIMESTAMP_OLD, "", "", timestampLen},
		{false, rawmsg.SO_TIMESTAMPING_OLD, "", "", timestampingLen},
		{false, rawmsg.SO_TIMESTAMPING_NEW, "", "", timestampingLen},
		{o.Credentials, rawmsg.SO_PASSCRED, "SO_PASSCRED", "Linux 2.2", credentialsLen},
		{o.SecurityLabel, rawmsg.SO_PASSSEC, "SO_PASSSEC", "Linux 2.6.18", labelLen},
		{o.PIDFD, rawmsg.SO_PASSPIDFD, "SO_PASSPIDFD", "Linux 6.5", intLen},
		{o.QueuedBytes, rawmsg.SO_INQ, "SO_INQ", "Linux 6.17", 0},
	} {
		if s.asked {
			if err := setsockopt(fd, s.opt, 1); err != nil {
				return 0, errOption("setsockopt", s.name, s.since, err)
			}
			if err := checkOption(fd, s.opt, true); err != nil {
				return 0, errOption("getsockopt", s.name, s.since, err)
			}
		} else if on, err := getsockopt(fd, s.opt); err != nil || on == 0 {
			continue
		}
		room += CmsgSpace(s.data)
	}
	return room, nil
}

// checkOption reports whether an option that was set is what it was set to.
// gVisor's setsockopt ignores the options of SOL_SOCKET that it does not know.
func checkOption(fd, opt int, want bool) error {
	if opt == rawmsg.SO_INQ { // no kernel can be asked
		return nil
	}
	on, err := getsockopt(fd, opt)
	if err == nil && (on != 0) != want {
		err = syscall.ENOPROTOOPT
	}
	return err
}
