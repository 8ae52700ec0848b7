package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/ptrace"
	"example.com/fdpass/rawmsg"
)

// traps are what can be seen to be wrong from outside a program, with the place
// in docs/cmsg.md that explains each.
var traps = map[string]string{
	"cloexec":   "what-a-receiver-has-to-do",
	"room":      "two-lengths",
	"truncated": "receiving-back-in-scmc",
	"table":     "receiving-back-in-scmc",
	"no-room":   "receiving-back-in-scmc",
	"pushed":    "what-else-is-in-the-buffer",
	"header":    "the-recipe",
	"empty":     "on-the-way-netunixaf_unixc",
	"end":       "the-traps-in-a-table",
	"peek":      "the-traps-in-a-table",
	"oob":       "the-traps-in-a-table",
	"read":      "receiving-back-in-scmc",
}

// finding is one of the traps, and why it is one here.
func finding(trap, format string, args ...any) traceFinding {
	return traceFinding{trap, fmt.Sprintf(format, args...), "docs/cmsg.md#" + traps[trap]}
}

// examine finds what is wrong with a message that was sent or received.
func (w *watcher) examine(r *traceRecord, th *ptrace.Thread, c *ptrace.Call, h header, control []byte) {
	fds := rights(c.ABI, control)
	if isSend(c) {
		w.examineSent(r, th, c, fds)
		return
	}
	w.leftovers.put(th.Process().PID, h.control, control)
	if len(fds) > 0 && c.Flags&rawmsg.MSG_CMSG_CLOEXEC == 0 {
		r.wrong("cloexec", "received without MSG_CMSG_CLOEXEC: a program that is started meanwhile inherits %s",
			numbers(fds))
	}
	if h.flags&rawmsg.MSG_CTRUNC != 0 {
		w.examineTruncated(r, c, control, fds)
	}
	w.suspect(r, th, c, h, fds)
}

func (r *traceRecord) wrong(trap, format string, args ...any) {
	r.Wrong = append(r.Wrong, finding(trap, format, args...))
}

func (w *watcher) examineSent(r *traceRecord, th *ptrace.Thread, c *ptrace.Call, fds []int) {
	for _, fd := range fds {
		w.watched.used(w, th, fd, false)
	}
	stream := r.Socket != nil && r.Socket.Kind == "unix"
	switch {
	case len(fds) == 0 || !stream:
	case r.Result == 0:
		r.wrong("empty", "sent without payload on a stream: nobody gets %s, though the call succeeds",
			numbers(fds))
	case c.Flags&1 != 0: // MSG_OOB
		r.wrong("oob", "sent with MSG_OOB: the receiver of out-of-band data does not get %s", numbers(fds))
	}
}

// examineTruncated finds out why control messages were cut or dropped.
func (w *watcher) examineTruncated(r *traceRecord, c *ptrace.Call, control []byte, fds []int) {
	least := uint64(c.ABI.Len(4)) // room for one descriptor
	switch {
	case len(fds) > 0: // whether it is wrong depends on what the program does with them
	case c.Flags&rawmsg.MSG_PEEK != 0: // nothing is lost: it all stays on the socket
	case r.Room == 0:
		r.wrong("no-room", "received without a control buffer: what came with the message is dropped")
	case r.Room < least:
		r.wrong("no-room", "%d bytes of room are too few for a descriptor (CMSG_LEN(4) is %d): what came is dropped",
			r.Room, least)
	case len(r.Controls) > 0:
		r.wrong("pushed", "%s took the room of %d bytes, and what comes after it, such as descriptors, "+
			"is dropped: the room of each option comes on top", r.Controls[0].Name, r.Room)
	default:
		r.wrong("table", "MSG_CTRUNC, and none came into %d bytes of room: the table of descriptors is full "+
			"(RLIMIT_NOFILE), or the receiver may not have them", r.Room)
	}
}

// prefilled looks at a receive that brought no control messages: does the buffer
// have a header of SCM_RIGHTS that the program has put there itself? Who reads it
// and not msg_controllen takes its zeros for descriptors.
func (w *watcher) prefilled(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result, u *underWay) {
	if c.Kind != ptrace.Recvmsg || len(u.control) == 0 {
		return
	}
	h := u.headers[0]
	fds := rights(c.ABI, u.control)
	leftover := w.leftovers.same(th.Process().PID, h.control, u.control)
	m, _, ok, err := c.ABI.Next(u.control)
	isRights := ok && err == nil && int(m.Level) == c.ABI.SOLSocket && m.Type == abi.SCM_RIGHTS
	if !isRights || len(fds) == 0 || leftover {
		return
	}
	r := w.record(th, c, res, u)
	r.Room = h.controllen
	r.wrong("header", "no control message came (msg_controllen is 0), and the buffer has the header that the program "+
		"wrote there: who reads that finds %s", numbers(fds))
	w.show(r)
}

// leftovers are the control messages that each control buffer held last.
type leftovers map[leftoverKey][]byte

type leftoverKey struct {
	pid int
	at  uint64
}

func (l leftovers) put(pid int, at uint64, control []byte) {
	if len(l) > 1<<12 {
		clear(l)
	}
	l[leftoverKey{pid, at}] = control
}

// same reports whether a buffer begins with what it held last.
func (l leftovers) same(pid int, at uint64, control []byte) bool {
	last := l[leftoverKey{pid, at}]
	return len(last) > 0 && bytes.HasPrefix(control, last[:min(len(last), len(control))])
}

// descriptorsWaiting is how many descriptors are in the queue of a socket. The
// kernel says so in /proc since Linux 5.6, without touching any.
func descriptorsWaiting(pid, fd int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	_, after, ok := strings.Cut(string(text), "scm_fds:")
	if !ok {
		return 0
	}
	line, _, _ := strings.Cut(after, "\n")
	n, _ := strconv.Atoi(strings.TrimSpace(line))
	return n
}

// hasRead looks at what a read of plain bytes has done to the descriptors that
// were waiting.
func (w *watcher) hasRead(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result, u *underWay) error {
	lost := u.waiting - descriptorsWaiting(th.TID, c.FD)
	if res.Error || lost <= 0 {
		return nil
	}
	r := w.record(th, c, res, u)
	r.wrong("read", "%s takes bytes only: it has lost %s that came with them",
		c.Name, plural(lost, "descriptor"))
	return w.show(r)
}

// numbers lists descriptors.
func numbers(fds []int) string {
	const most = 8
	var b strings.Builder
	for i, fd := range fds {
		switch {
		case i == most:
			fmt.Fprintf(&b, " and %d more", len(fds)-most)
			return b.String()
		case i > 0 && i == len(fds)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(fd))
	}
	return b.String()
}
