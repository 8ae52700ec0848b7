package main

import (
	"fmt"
	"strings"
	"syscall"

	"example.com/fdpass/internal/printable"
	"example.com/fdpass/internal/ptrace"
)

// socketKey is a descriptor of a process.
type socketKey struct{ pid, fd int }

// knownSocket is what has been found out about a socket.
type knownSocket struct {
	link   string // "socket:[12]": whether it is still the same
	socket *traceSocket
}

// socketOf finds out what a descriptor of a traced process is, or nil if that is
// not to be had. It looks at a duplicate, which lives for a moment.
func (w *watcher) socketOf(p *ptrace.Process, fd int) *knownSocket {
	link := p.Link(fd)
	key := socketKey{p.PID, fd}
	if known := w.sockets[key]; known != nil && known.link == link {
		return known
	}
	if len(w.sockets) > 1<<12 { // a process that makes many is not remembered for ever
		clear(w.sockets)
	}
	known := &knownSocket{link: link}
	w.sockets[key] = known
	if !strings.HasPrefix(link, "socket:") {
		return known
	}
	dup, err := p.Dup(fd)
	if err != nil {
		return known
	}
	defer syscall.Close(dup)
	known.socket = askSocket(dup)
	return known
}

func askSocket(fd int) *traceSocket {
	local, err := syscall.Getsockname(fd)
	if err != nil {
		return nil
	}
	typ, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	s := &traceSocket{Kind: network(local, typ), Local: socketName(local)}
	accepts, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	s.listens = accepts != 0
	if remote, err := syscall.Getpeername(fd); err == nil {
		s.Remote = socketName(remote)
	}
	cred, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err == nil && cred.Pid > 0 {
		s.Peer = &tracePeer{int(cred.Pid), cred.Uid, cred.Gid, ptrace.Name(int(cred.Pid))}
	}
	return s
}

// socketName is a socket's name, or "" if it has none.
func socketName(sa syscall.Sockaddr) string {
	if name := sockaddr(sa); name != "unnamed" {
		return name
	}
	return ""
}

// name describes the descriptors of a record, while the process still has them.
// That takes most of the time, so it is left until it is known that the record is
// shown, and each of many that are the same file in a row is not asked about.
func (w *watcher) name(r *traceRecord) {
	if r.process == nil {
		return
	}
	for _, c := range r.Controls {
		for i := range c.Descriptors {
			d := &c.Descriptors[i]
			if i > 0 && r.process.Same(int(c.Descriptors[i-1].FD), int(d.FD)) {
				d.Is = c.Descriptors[i-1].Is
			} else {
				d.Is = w.descriptorOf(r.process, int(d.FD))
			}
		}
	}
	r.process = nil
}

// descriptorOf describes a descriptor of a traced process, as recv does where its
// link says little.
func (w *watcher) descriptorOf(p *ptrace.Process, fd int) string {
	link := p.Link(fd)
	if !strings.HasPrefix(link, "socket:") {
		return link
	}
	s := w.socketOf(p, fd).socket
	if s == nil {
		return link
	}
	local, remote := s.Local, s.Remote
	if local == "" {
		local = "unnamed"
	}
	switch {
	case s.listens:
		return s.Kind + " " + local + " (listening)"
	case remote == "" && s.Peer != nil:
		remote = "unnamed"
	case remote == "":
		return s.Kind + " " + local
	}
	return s.Kind + " " + local + " to " + remote
}

// text is what follows the descriptor's number. Most sockets have many messages.
func (s *traceSocket) text(sends bool) string {
	text := &s.received
	if sends {
		text = &s.sent
	}
	if *text == "" {
		*text = s.describe(sends)
	}
	return *text
}

func (s *traceSocket) describe(sends bool) string {
	to := "from"
	if sends {
		to = "to"
	}
	peer := ""
	if s.Peer != nil {
		peer = fmt.Sprintf("%s[%d]", printable.Line(s.Peer.Program), s.Peer.PID)
	}
	local, remote := printable.Line(s.Local), printable.Line(s.Remote)
	switch {
	case !strings.HasPrefix(s.Kind, "unix"):
		return fmt.Sprintf(" %s %s %s", s.Kind, to, remote)
	case s.Remote != "" && peer != "":
		return fmt.Sprintf(" %s %s of %s", to, remote, peer)
	case s.Remote != "":
		return fmt.Sprintf(" %s %s", to, remote)
	case s.Local != "" && peer != "":
		return fmt.Sprintf(" at %s %s %s", local, to, peer)
	case s.Local != "":
		return " at " + local
	case s.Peer != nil:
		return " of a pair" // its credentials are those of who made it
	}
	return ""
}
