package fdpass

import (
	"sync/atomic"

	"example.com/fdpass/rawmsg"
)

// What follows asks the kernel about what gVisor does in another way, and what no
// answer to the call itself gives away. It asks where that matters for the first
// time, and until the kernel has said yes or no.

// finding is what the kernel has said once.
type finding struct{ said atomic.Int32 }

const (
	nothingYet = iota
	no
	yes
)

// is reports whether the kernel says yes. An ask that fails is none.
func (f *finding) is(ask func() int32) bool {
	if f.said.Load() == nothingYet {
		f.said.Store(ask())
	}
	return f.said.Load() == yes
}

var endHas, peerIs finding

// endHasCredentials reports whether the end of a seqpacket connection that has
// SO_PASSCRED on looks like an empty message of nobody. On gVisor it does, and no
// empty message ever comes. On Linux it does not, and such a message can come: it
// was sent before the option was on.
func endHasCredentials() bool { return endHas.is(lookAtEnd) }

// lookAtEnd receives the end of a connection of its own.
func lookAtEnd() int32 {
	pair, err := socketpair(rawmsg.SOCK_SEQPACKET)
	if err != nil {
		return nothingYet
	}
	defer closeFD(pair[0])
	closeFD(pair[1])
	if setsockopt(pair[0], rawmsg.SO_PASSCRED, 1) != nil {
		return nothingYet
	}
	var h msghdr
	var iov iovec
	setPiece(&iov, make([]byte, 1))
	fillHeader(&h, &iov, make([]byte, CmsgSpace(credentialsLen)), nil)
	n, err := recvmsg(pair[0], &h, rawmsg.MSG_DONTWAIT)
	switch {
	case n != 0 || err != nil:
		return nothingYet
	case h.Controllen > 0:
		return yes
	}
	return no
}

// peerIsWhoAsks reports whether SO_PEERCRED describes the process that asks, on any
// socket, as it does on gVisor.
func peerIsWhoAsks() bool { return peerIs.is(lookAtNoPeer) }

// goesOnAfterAPart reports whether sendmmsg(2) may send another message after it has
// sent only a part of one, so that the rest of that comes too late. gVisor's does,
// and nobody can make it do so to see it: gVisor is known by its SO_PEERCRED here.
func goesOnAfterAPart() bool {
	return peerIsWhoAsks() || peerIs.said.Load() == nothingYet
}

// lookAtNoPeer asks for the peer of a socket that has none. Linux says PID 0.
func lookAtNoPeer() int32 {
	fd, err := newSocket(rawmsg.SOCK_STREAM)
	if err != nil {
		return nothingYet
	}
	defer closeFD(fd)
	cred, err := peerCredentials(fd)
	switch {
	case err != nil:
		return nothingYet
	case cred.PID != 0:
		return yes
	}
	return no
}
