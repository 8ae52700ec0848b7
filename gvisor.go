package fdpass

import (
	"os"
	"sync/atomic"

	"example.com/fdpass/rawmsg"
)

// What gVisor does in another way than Linux is mostly seen in the answer to a call.
// Where it is not, the library has to know which of the two it runs on. The process
// finds that out once, when it matters for the first time.

// These are the kernels that kernelOf tells apart.
const (
	unknown = iota // nobody has found out
	linux
	gVisor
)

var kernel atomic.Int32

// kernelOf returns which kernel a Unix socket is one of.
func kernelOf(sock int) int32 {
	if known := kernel.Load(); known != unknown {
		return known
	}
	found := askPeer(sock)
	if found != unknown {
		kernel.Store(found)
	}
	return found
}

// askPeer knows gVisor by its SO_PEERCRED, which describes the process that asks, on
// any socket. On Linux the peer is mostly another process, and that is the answer. It
// is the process itself for one end of a pair: then a new socket decides, which has no
// peer, and so PID 0 on Linux. A process whose filter of system calls kills it for
// socket(2) has to have asked before, by [PeerCredentials].
func askPeer(sock int) int32 {
	if found := lookAtPeer(sock); found != gVisor {
		return found
	}
	fresh, err := newSocket(rawmsg.SOCK_STREAM)
	if err != nil {
		return unknown
	}
	defer closeFD(fresh)
	return lookAtPeer(fresh)
}

// lookAtPeer returns linux if the peer of a socket is not this process, as it always
// is on gVisor.
func lookAtPeer(sock int) int32 {
	switch cred, err := peerCredentials(sock); {
	case err != nil:
		return unknown
	case int(cred.PID) != os.Getpid():
		return linux
	}
	return gVisor
}
