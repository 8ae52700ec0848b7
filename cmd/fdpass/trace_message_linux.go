package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
	"example.com/fdpass/internal/ptrace"
	"example.com/fdpass/rawmsg"
)

// underWay is what is known of a call before it returns.
type underWay struct {
	headers  []header     // at its entry
	control  []byte       // of a sendmsg, and of a recvmsg with -lint: the control buffer at its entry
	waiting  int          // of a read: how many descriptors were waiting
	socket   *knownSocket // what it is made on, if that has been looked up
	record   *traceRecord // of a sendmsg: begun
	returned bool
}

func isBatch(c *ptrace.Call) bool { return c.Kind == ptrace.Recvmmsg || c.Kind == ptrace.Sendmmsg }
func isSend(c *ptrace.Call) bool  { return c.Kind == ptrace.Sendmsg || c.Kind == ptrace.Sendmmsg }

// Entered looks at a call before it is made, since the kernel writes over the
// lengths.
func (w *watcher) Entered(th *ptrace.Thread, c *ptrace.Call) bool {
	w.watched.used(w, th, c.FD, false)
	u := &underWay{}
	c.State = u
	switch c.Kind {
	case ptrace.IoUring:
		return true
	case ptrace.Read:
		u.waiting = descriptorsWaiting(th.TID, c.FD)
		return u.waiting > 0 && c.Flags&rawmsg.MSG_PEEK == 0
	}
	if c.Kind == ptrace.Sendmsg || c.Kind == ptrace.Recvmsg && w.lint {
		if h, control, err := w.readBefore(th, c); err == nil {
			u.headers, u.control = []header{h}, control
		}
	} else {
		u.headers = w.readHeaders(th, c)
	}
	w.sayHidden(th.Process())
	hasRoom := func(h header) bool { return h.controllen > 0 }
	return !isSend(c) || slices.ContainsFunc(u.headers, hasRoom) || len(u.headers) < c.Vlen
}

// sayHidden says once of a process that its messages are not seen. Nobody knows
// then whether something is wrong.
func (w *watcher) sayHidden(p *ptrace.Process) {
	if p.Hides == nil || w.hidden[p.PID] {
		return
	}
	w.hidden[p.PID], w.found = true, true
	fmt.Fprintf(os.Stderr, "fdpass: trace: the memory of process %d cannot be read, so its messages are not seen: %v\n",
		p.PID, p.Hides)
}

// Resumed does what the program need not wait for. While a call is made it looks
// up what has a name already; after the call it writes. Whether a call other than
// sendmsg will be shown is not known yet, but likely if one on that socket was.
func (w *watcher) Resumed(th *ptrace.Thread, c *ptrace.Call) error {
	u := c.State.(*underWay)
	known := w.sockets[socketKey{th.Process().PID, c.FD}] != nil
	switch {
	case u.returned:
		w.holding = false
		return w.flush()
	case c.Kind == ptrace.Sendmsg:
		u.record = w.begin(th, c, u)
		w.explain(u.record, c, u.control)
		if w.wants(u.record) {
			w.name(u.record)
		}
	case known && len(u.headers) > 0:
		u.socket = w.socketOf(th.Process(), c.FD)
	}
	return nil
}

// Returned looks at a call that has been made.
func (w *watcher) Returned(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result) error {
	u := c.State.(*underWay)
	u.returned, w.holding = true, true
	if errno := res.Errno(); errno >= 512 || errno == syscall.EINTR {
		return nil // ERESTARTSYS and the like: it is made again, or was to end
	}
	switch c.Kind {
	case ptrace.IoUring:
		return w.usesIoUring(th, c, res, u)
	case ptrace.Read:
		return w.hasRead(th, c, res, u)
	}
	if res.Error {
		return w.failed(th, c, res, u)
	}
	n := 1
	if isBatch(c) {
		n = min(int(res.Value), len(u.headers))
	}
	for i := range min(n, len(u.headers)) {
		if err := w.message(th, c, res, u, i); err != nil {
			return err
		}
	}
	return nil
}

// failed shows a call that failed and had control messages, or room for them.
func (w *watcher) failed(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result, u *underWay) error {
	errno := res.Errno()
	if !isSend(c) && errno == syscall.EAGAIN || len(u.headers) > 0 && u.headers[0].controllen == 0 {
		return nil
	}
	r := w.record(th, c, res, u)
	r.Errno, r.Note = errnoName(errno), callErrors[errno].why
	if len(u.headers) > 0 {
		h := u.headers[0]
		r.Room = h.controllen
		w.destination(r, th, c, h)
		if c.Kind == ptrace.Sendmmsg {
			control, _ := w.control(th, h)
			w.explain(r, c, control)
		}
	}
	return w.show(r)
}

// message shows message i of a call that worked, unless it has neither control
// messages nor lost any.
func (w *watcher) message(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result, u *underWay, i int) error {
	before := u.headers[i]
	h, length, control := before, uint32(0), u.control
	if c.Kind != ptrace.Sendmsg {
		var err error
		h, length, control, err = w.readMessage(th, c, before, i)
		if err != nil || len(control) == 0 && h.controllen > 0 {
			return nil // another thread has just unmapped it
		}
	}
	if h.controllen == 0 && (isSend(c) || h.flags&rawmsg.MSG_CTRUNC == 0) {
		w.prefilled(th, c, res, u)
		return nil
	}
	r := w.record(th, c, res, u)
	r.Room = before.controllen
	if isBatch(c) {
		r.Index, r.Result = &i, int64(length)
	}
	if !isSend(c) {
		r.MsgFlags = flagNames(h.flags)
	}
	w.destination(r, th, c, h)
	if c.Kind != ptrace.Sendmsg {
		w.explain(r, c, control)
	}
	w.examine(r, th, c, h, control)
	return w.show(r)
}

// begin begins the record of a call.
func (w *watcher) begin(th *ptrace.Thread, c *ptrace.Call, u *underWay) *traceRecord {
	p := th.Process()
	r := &traceRecord{
		PID: p.PID, TID: th.TID, Program: p.Name(), Call: c.Name, FD: c.FD, process: p,
		Flags: flagNames(c.Flags), Controls: []traceControl{}, sends: isSend(c),
	}
	if u.socket == nil && c.Kind != ptrace.IoUring {
		u.socket = w.socketOf(p, c.FD)
	}
	if u.socket != nil {
		r.Socket = u.socket.socket
	}
	return r
}

// record is the record of a call that has been made.
func (w *watcher) record(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result, u *underWay) *traceRecord {
	r := u.record
	if r == nil {
		r = w.begin(th, c, u)
	}
	r.Result = res.Value
	if res.Error {
		r.Result = -1
	}
	if w.json || w.times {
		r.Time = timeStamp(time.Now())
	}
	return r
}

// destination is the address in a message over a socket that has no peer.
func (w *watcher) destination(r *traceRecord, th *ptrace.Thread, c *ptrace.Call, h header) {
	if h.name == 0 || h.namelen <= 2 || h.namelen > 128 || r.Socket == nil || r.Socket.Remote != "" ||
		!strings.HasPrefix(r.Socket.Kind, "unix") {
		return
	}
	b := make([]byte, h.namelen)
	if th.Peek(h.name, b) != nil {
		return
	}
	s := *r.Socket
	s.sent, s.received = "", ""
	s.Remote = strings.TrimRight(string(b[2:]), "\x00")
	if name, abstract := strings.CutPrefix(s.Remote, "\x00"); abstract {
		s.Remote = "@" + name
	}
	r.Socket = &s
}

// explain puts what is in a control buffer into a record.
func (w *watcher) explain(r *traceRecord, c *ptrace.Call, control []byte) {
	if len(control) == 0 {
		return
	}
	if w.verbose && !w.json {
		var b strings.Builder
		decode.Explain(c.ABI.Arch, control).WriteText(&b)
		r.bytes = b.String()
	}
	d := decode.Outline(c.ABI.Arch, control)
	for _, m := range d.Messages {
		one, rest, _, _ := c.ABI.Next(control)
		r.Controls = append(r.Controls, traceControl{
			Name: m.Name, Summary: m.Summary, kind: kindOf(m.Name), Descriptors: descriptors(c.ABI, m.Name, one.Data),
		})
		control = rest
	}
	if d.Error != nil {
		r.Bad = d.Error.Error()
	}
}

// kindOf is the word of -e for a control message.
func kindOf(name string) string {
	switch {
	case name == "SCM_RIGHTS":
		return "rights"
	case name == "SCM_CREDENTIALS":
		return "cred"
	case name == "SCM_PIDFD":
		return "pidfd"
	case name == "SCM_SECURITY":
		return "security"
	case name == "SCM_INQ":
		return "inq"
	case strings.Contains(name, "_TIMESTAMP"):
		return "timestamp"
	}
	return "other"
}

// descriptors are those that a message carries. They have no names yet.
func descriptors(a *ptrace.ABI, name string, data []byte) (fds []traceDescriptor) {
	most := 253 // SCM_MAX_FD
	switch name {
	case "SCM_RIGHTS":
	case "SCM_PIDFD":
		most = 1
	default:
		return nil
	}
	fds = make([]traceDescriptor, 0, min(len(data)/4, most))
	for ; len(data) >= 4 && len(fds) < most; data = data[4:] {
		if fd := int32(a.Uint32(data)); fd >= 0 { // below 0 it is an errno
			fds = append(fds, traceDescriptor{FD: int64(fd)})
		}
	}
	return fds
}

// rights are the numbers of all SCM_RIGHTS messages of a control buffer.
func rights(a *ptrace.ABI, control []byte) (fds []int) {
	for {
		m, rest, ok, err := a.Next(control)
		if !ok || err != nil {
			return fds
		}
		if int(m.Level) == a.SOLSocket && m.Type == abi.SCM_RIGHTS {
			fds = slices.Grow(fds, len(m.Data)/4)
			for b := m.Data; len(b) >= 4; b = b[4:] {
				fds = append(fds, int(int32(a.Uint32(b))))
			}
		}
		control = rest
	}
}
