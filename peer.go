package fdpass

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// PeerCredentials returns the PID, UID and GID of the peer: SO_PEERCRED; unix(7).
// The error is [ErrNotUnix] or that of getsockopt(2). On gVisor, whose SO_PEERCRED
// describes the process that asks, it matches [errors.ErrUnsupported].
//
// The peer is the process that connected, called listen(2) or made the pair, as it
// was at that moment. By now another process may hold the other end of the
// connection. [Options].Credentials describes the sender of each message. All of
// this is true for the other functions whose names begin with Peer.
func PeerCredentials(conn syscall.Conn) (cred Credentials, err error) {
	err = inspect(conn, func(sock int) (err error) {
		cred, err = peerCredentials(sock)
		if err == nil && kernelOf(sock) == gVisor {
			return fmt.Errorf("fdpass: SO_PEERCRED describes the process that asks: %w", errors.ErrUnsupported)
		}
		return err
	})
	if err != nil {
		return Credentials{}, err
	}
	return cred, nil
}

// PeerPIDFD returns a pidfd of the peer: SO_PEERPIDFD, Linux 6.5. The caller
// closes it. It is close-on-exec. On a kernel that does not have the option the
// error matches [errors.ErrUnsupported]. ENODATA means that the socket has no peer,
// and before Linux 6.16 ESRCH or EINVAL that the peer's process has ended.
func PeerPIDFD(conn syscall.Conn) (fd int, err error) {
	fd = -1
	err = inspect(conn, func(sock int) error {
		got, err := getsockopt(sock, rawmsg.SO_PEERPIDFD)
		if err != nil {
			return errOption("getsockopt", "SO_PEERPIDFD", "Linux 6.5", err)
		}
		fd = got
		return nil
	})
	return fd, err
}

// PeerSecurityLabel returns the security label of the peer, if a security module
// has one: SO_PEERSEC; unix(7). Without such a module the error matches
// [errors.ErrUnsupported].
func PeerSecurityLabel(conn syscall.Conn) (label string, err error) {
	b, err := peerBytes(conn, rawmsg.SO_PEERSEC, "SO_PEERSEC", "Linux 2.6.2")
	return string(bytes.TrimRight(b, "\x00")), err
}

// PeerGroups returns the supplementary groups of the peer, as numbers of this
// process's user namespace: SO_PEERGROUPS; Linux 4.13. On a kernel that does not
// have the option the error matches [errors.ErrUnsupported]. ENODATA means that the
// socket has no peer.
func PeerGroups(conn syscall.Conn) (gids []uint32, err error) {
	b, err := peerBytes(conn, rawmsg.SO_PEERGROUPS, "SO_PEERGROUPS", "Linux 4.13")
	for ; len(b) >= 4; b = b[4:] {
		gids = append(gids, binary.NativeEndian.Uint32(b))
	}
	return gids, err
}

// peerBytes reads an option of any length.
func peerBytes(conn syscall.Conn, opt int, name, since string) (b []byte, err error) {
	err = inspect(conn, func(sock int) error {
		for size := 256; ; {
			b = make([]byte, size)
			n, err := rawmsg.Getsockopt(sock, rawmsg.SOL_SOCKET, opt, b)
			if err == syscall.ERANGE && n > size {
				size = n
				continue
			}
			b = b[:max(min(n, size), 0)]
			if err != nil {
				b = nil
				return errOption("getsockopt", name, since, err)
			}
			return nil
		}
	})
	return b, err
}

// inspect calls f with the descriptor of a Unix socket.
func inspect(conn syscall.Conn, f func(sock int) error) error {
	end, err := open(conn)
	if err != nil {
		return err
	}
	if portable {
		return errLinux("describing the peer")
	}
	return end.control(f)
}
