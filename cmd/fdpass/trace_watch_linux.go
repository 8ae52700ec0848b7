package main

import (
	"slices"
	"syscall"

	"example.com/fdpass/internal/ptrace"
	"example.com/fdpass/rawmsg"
)

// Some messages are wrong only if the program does not notice: it never closes
// what it did not ask for. The descriptors of such messages are watched, which
// takes a stop at each system call, until the program has done something with
// all of them. What it has done nothing with by its end has leaked.

// suspicion is a descriptor that was received in a message of which something
// may be wrong.
type suspicion struct {
	record  *traceRecord
	finding traceFinding
	link    string // what it was open on
	closing bool   // only closing it is right
	errors  bool   // a program that ends with an error has noticed
}

// suspicions are those of each process, by descriptor.
type suspicions map[int]map[int]*suspicion

// mostWanted is how many descriptors a message may bring for its room to be
// suspected. Who makes room for more has counted them.
const mostWanted = 8

// suspect begins to watch what may leak of a message.
func (w *watcher) suspect(r *traceRecord, th *ptrace.Thread, c *ptrace.Call, h header, fds []int) {
	var s suspicion
	switch space := c.ABI.Space(4*len(fds) - 4); {
	case len(fds) == 0:
		return
	case h.flags&rawmsg.MSG_CTRUNC != 0:
		s.closing, s.errors = true, true
		s.finding = finding("truncated", "MSG_CTRUNC: others were dropped, "+
			"and the program goes on with, or does not close, what it got")
	case c.Flags&rawmsg.MSG_PEEK != 0:
		s.finding = finding("peek", "received with MSG_PEEK, and never closed: "+
			"each look brings new duplicates")
	case r.Result == 0:
		s.errors = true
		s.finding = finding("end", "an empty message that brought descriptors was taken for the end: "+
			"they were never closed")
	case len(fds) <= mostWanted && uint64(space) == r.Room && space == c.ABI.Len(4*len(fds)):
		s.finding = finding("room", "%d bytes are CMSG_SPACE(%d), room for %d, and admit %d: the program did "+
			"nothing with the last and never closed it; CMSG_LEN(%[2]d) admits no more than is wanted",
			r.Room, 4*len(fds)-4, len(fds)-1, len(fds))
		fds = fds[len(fds)-1:]
	default:
		return
	}
	w.watched.add(w, th, r, s, fds)
}

func (l suspicions) add(w *watcher, th *ptrace.Thread, r *traceRecord, s suspicion, fds []int) {
	p := th.Process()
	if l[p.PID] == nil {
		l[p.PID] = map[int]*suspicion{}
		w.trace.Every(p, true)
	}
	if w.json {
		w.name(r) // it is shown again later
	}
	s.record = r
	for _, fd := range fds {
		one := s
		one.link = p.Link(fd)
		l[p.PID][fd] = &one
	}
}

// used takes note that a thread does something with a descriptor.
func (l suspicions) used(w *watcher, th *ptrace.Thread, fd int, closes bool) {
	if len(l) == 0 {
		return
	}
	p := th.Process()
	s := l[p.PID][fd]
	if s == nil {
		return
	}
	if s.closing && !closes {
		w.report(s)
		l.drop(w, p, func(other *suspicion) bool { return other.record == s.record })
		return
	}
	l.drop(w, p, func(other *suspicion) bool { return other == s })
}

// drop ends suspicions of a process.
func (l suspicions) drop(w *watcher, p *ptrace.Process, which func(*suspicion) bool) {
	for fd, s := range l[p.PID] {
		if which(s) {
			delete(l[p.PID], fd)
		}
	}
	if len(l[p.PID]) == 0 {
		delete(l, p.PID)
		w.trace.Every(p, false)
	}
}

// Other looks at any system call of a process with suspicions. Nearly all that
// take a descriptor have it first; mmap has it fifth.
func (w *watcher) Other(th *ptrace.Thread, call ptrace.Other) {
	w.watched.used(w, th, int(int32(call.Args[0])), call.Close)
	if !call.Close {
		w.watched.used(w, th, int(int32(call.Args[4])), false)
	}
}

// Execed drops what exec has closed.
func (w *watcher) Execed(th *ptrace.Thread) {
	p := th.Process()
	delete(w.uring, p.PID)
	delete(w.hidden, p.PID)
	if l := w.watched[p.PID]; l != nil {
		for fd, s := range l {
			if p.Link(fd) != s.link {
				delete(l, fd)
			}
		}
		w.watched.drop(w, p, func(*suspicion) bool { return false })
	}
}

// Exiting reports what a process leaves behind.
func (w *watcher) Exiting(th *ptrace.Thread, status syscall.WaitStatus) error {
	if len(w.watched) == 0 || th.TID != th.Process().PID {
		return nil
	}
	return w.leaked(th.Process(), status.Exited() && status.ExitStatus() != 0)
}

// Detaching reports what a process that is let go has not closed so far.
func (w *watcher) Detaching(th *ptrace.Thread) error {
	if len(w.watched) == 0 {
		return nil
	}
	return w.leaked(th.Process(), false)
}

// leaked reports each message of which a descriptor is still open as it came.
func (w *watcher) leaked(p *ptrace.Process, failed bool) error {
	var reported []*traceRecord
	for fd, s := range w.watched[p.PID] {
		if slices.Contains(reported, s.record) || p.Link(fd) != s.link || s.errors && failed {
			continue
		}
		reported = append(reported, s.record)
		if err := w.report(s); err != nil {
			return err
		}
	}
	w.watched.drop(w, p, func(*suspicion) bool { return true })
	return nil
}

// report shows what was suspected of a message that has been shown before.
func (w *watcher) report(s *suspicion) error {
	r := *s.record
	r.Wrong, r.bytes = []traceFinding{s.finding}, ""
	r.late = true
	return w.show(&r)
}
