package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"example.com/fdpass"
	"example.com/fdpass/internal/printable"
)

// peer is who is at the other end of a connection, or has sent a datagram.
type peer struct {
	known   bool
	pid     int32 // 0 if it is not of this PID namespace
	uid     uint32
	gid     uint32
	program string // what the process calls itself by now, or ""
}

// peerOf is who connected, or made the pair of sockets: SO_PEERCRED. Nobody is known
// where the kernel does not say it.
func peerOf(conn *net.UnixConn) (peer, error) {
	c, err := fdpass.PeerCredentials(conn)
	if errors.Is(err, errors.ErrUnsupported) {
		return peer{}, nil
	}
	if err != nil {
		return peer{}, err
	}
	return peerFrom(c), nil
}

// peerFrom adds the name of the program. Programs choose their names, and another
// process may have the number by now: it is a hint for people.
func peerFrom(c fdpass.Credentials) peer {
	p := peer{known: true, pid: c.PID, uid: c.UID, gid: c.GID}
	if c.PID > 0 {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.PID))
		p.program = strings.TrimSuffix(string(name), "\n")
	}
	return p
}

func (p peer) String() string {
	process := "a process that has no number here"
	if p.pid > 0 {
		process = fmt.Sprintf("process %d", p.pid)
	}
	if p.program != "" {
		process += " (" + printable.Line(p.program) + ")"
	}
	return fmt.Sprintf("%s of user %d", process, p.uid)
}

// admit fails if -from wants somebody else, whose number is uid.
func admit(p peer, from string, uid uint32) error {
	if from == "" || p.known && p.uid == uid {
		return nil
	}
	if !p.known {
		return fmt.Errorf("refused: nothing shows who the other end is")
	}
	return fmt.Errorf("refused: not user %s, but %v", from, p)
}
