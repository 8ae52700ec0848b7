package fdpass

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// step waits until something is there, and passes it on.
func (d *pump) step() error {
	n, withFDs, err := d.look()
	switch {
	case errors.Is(err, syscall.ECONNRESET): // reported once, before what is still there or the end
		return nil
	case err != nil:
		return err
	case d.stream && n == 0:
		return io.EOF
	case d.stream && withFDs:
		return d.rights(n)
	}
	return d.message(n)
}

// look waits until something is there, and returns its length without taking it.
// That is the length of a seqpacket message, or the number of bytes of a stream
// that one process has sent, up to the end of a message with descriptors. The
// control buffer has no room for descriptors, so the kernel makes none, and withFDs
// reports that there are some. On a stream, they may belong to a byte after the n
// bytes, since the kernel looks further than the length of the buffer.
func (d *pump) look() (n int, withFDs bool, err error) {
	flags := rawmsg.MSG_PEEK | rawmsg.MSG_DONTWAIT
	if !d.stream {
		flags |= rawmsg.MSG_TRUNC // n is the length of the message, not of the buffer
	}
	cerr := d.raw.Read(func(fd uintptr) bool {
		setPiece(&d.iov, d.p)
		fillHeader(&d.hdr, &d.iov, d.room, nil)
		n, err = recvmsg(int(fd), &d.hdr, flags)
		return err != syscall.EAGAIN
	})
	if cerr != nil {
		return 0, false, fmt.Errorf("fdpass: %w", cerr)
	}
	return n, d.hdr.Flags&rawmsg.MSG_CTRUNC != 0, os.NewSyscallError("recvmsg", err)
}

// message passes on a seqpacket message of n bytes, or n bytes of a stream that
// have no descriptors.
func (d *pump) message(n int) error {
	if n > len(d.p) {
		d.p = make([]byte, n)
	}
	p := d.p
	if d.stream {
		p = p[:n]
	}
	m, err := d.r.Recv(p)
	switch {
	case errors.Is(err, syscall.ECONNRESET): // reported once, as in step: the message is still there
		return nil
	case err != nil:
		return err
	}
	return d.send(m, m.Payload(), m.FDs())
}

// rights passes on n bytes of a stream, all of which have the same sender. A message
// with descriptors begins somewhere in them and ends with them, or begins after
// them. Its descriptors come with its first byte.
func (d *pump) rights(n int) error {
	var m *Message
	for i := range n {
		var err error
		if m, err = d.r.Recv(d.p[i : i+1]); err != nil {
			return err
		}
		if len(m.FDs()) == 0 {
			continue
		}
		if i > 0 {
			if err := d.send(m, d.p[:i], nil); err != nil {
				return err
			}
		}
		// The rest of this message has no descriptors.
		if _, err := io.ReadFull(d.from, d.p[i+1:n]); err != nil {
			return fmt.Errorf("fdpass: %w", err)
		}
		return d.send(m, d.p[i:n], m.FDs())
	}
	return d.send(m, d.p[:n], nil)
}

// send sends p with descriptors and the credentials of m. If there are
// descriptors, it closes those of m.
func (d *pump) send(m *Message, p []byte, fds []int) error {
	out := Outgoing{Payload: p, FDs: fds, Credentials: d.credentials(m)}
	n, err := d.s.SendMessage(&out)
	notMine, ended := errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ESRCH)
	if (notMine || ended) && n == 0 && !d.refused && out.Credentials != nil {
		out.Credentials = ownCredentials()
		_, err = d.s.SendMessage(&out)
		d.refused = notMine && err == nil
	}
	if len(fds) > 0 {
		m.drop()
	}
	return err
}

// credentials returns those to send with m. It returns nil if m has none, or if the
// sender has no number in the PID namespace of this process.
func (d *pump) credentials(m *Message) *Credentials {
	cred, ok := m.Credentials()
	switch {
	case !ok || cred.PID == 0:
		return nil
	case d.refused:
		return ownCredentials()
	}
	return &cred
}

func ownCredentials() *Credentials {
	return &Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
}
