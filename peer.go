package fdpass

import "syscall"

// PeerCredentials are those of the process at the other end of a connected
// stream or seqpacket socket, or of a pair, at the time when it connected,
// listened or made the pair: SO_PEERCRED; unix(7). The error is [ErrNotUnix] or
// what getsockopt(2) returned.
func PeerCredentials(conn syscall.Conn) (cred Credentials, err error) {
	end, err := open(conn)
	if err != nil {
		return cred, err
	}
	err = end.control(func(fd int) (err error) {
		cred, err = peerCredentials(fd)
		return err
	})
	return cred, err
}

// PeerPIDFD is a pidfd of the process that [PeerCredentials] tells of:
// SO_PEERPIDFD, Linux 6.5. The caller closes it; it is close-on-exec. A kernel
// that does not have it is [errors.ErrUnsupported]; ENODATA is a socket without a
// peer, ESRCH or EINVAL (before 6.15) a peer that is gone.
func PeerPIDFD(conn syscall.Conn) (fd int, err error) {
	fd = -1
	end, err := open(conn)
	if err != nil {
		return fd, err
	}
	err = end.control(func(sock int) error {
		got, err := getsockopt(sock, soPeerPIDFD)
		if err != nil {
			return errOption("getsockopt", "SO_PEERPIDFD", "Linux 6.5", err)
		}
		fd = got
		return nil
	})
	return fd, err
}
