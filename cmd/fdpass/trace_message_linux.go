package main

import (
	"slices"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
	"example.com/fdpass/internal/ptrace"
	"example.com/fdpass/rawmsg"
)

// header is what a traced program's msghdr holds.
type header struct {
	name, iov, iovlen, control, controllen uint64
	namelen, flags                         uint32
}

// underWay is what is known of a call before it returns.
type underWay struct {
	headers []header // at its entry
	filled  []byte   // of a receive, with -lint: the control buffer at its entry
	waiting int      // of a read: how many descriptors were waiting
}

// headerAt is where the header of message i of a call is, and how many bytes of
// it there are with what follows it in a batch.
func headerAt(c *ptrace.Call, i int) (at uint64, size int) {
	o := &c.ABI.Msghdr
	if isBatch(c) {
		return c.Addr + uint64(i*o.Mmsghdr), o.Size + 4
	}
	return c.Addr, o.Size
}

// readHeader reads the header of message i of a call.
func readHeader(th *ptrace.Thread, c *ptrace.Call, i int) (h header, length uint32, err error) {
	var b [64]byte
	at, size := headerAt(c, i)
	if err := th.Peek(at, b[:size]); err != nil {
		return h, 0, err
	}
	h, length = parseHeader(c, b[:size])
	return h, length, nil
}

func parseHeader(c *ptrace.Call, b []byte) (h header, length uint32) {
	o := &c.ABI.Msghdr
	h = header{
		name: c.ABI.Long(b), namelen: c.ABI.Uint32(b[c.ABI.Word:]),
		iov: c.ABI.Long(b[o.Iov:]), iovlen: c.ABI.Long(b[o.Iovlen:]),
		control: c.ABI.Long(b[o.Control:]), controllen: c.ABI.Long(b[o.Controllen:]),
		flags: c.ABI.Uint32(b[o.Flags:]),
	}
	if isBatch(c) {
		length = c.ABI.Uint32(b[o.Size:])
	}
	return h, length
}

// readReceived reads the header of a message that was received, and its control
// messages. Both are often near each other, and then one read is enough: it is
// what takes the time.
func (w *watcher) readReceived(th *ptrace.Thread, c *ptrace.Call, before header, i int) (
	h header, length uint32, control []byte, err error,
) {
	at, size := headerAt(c, i)
	room := min(before.controllen, 512)
	from, to := min(at, before.control), max(at+uint64(size), before.control+room)
	if room > 0 && to-from <= uint64(len(w.window)) && th.Peek(from, w.window[:to-from]) == nil {
		h, length = parseHeader(c, w.window[at-from:][:size])
		if h.control == before.control && h.controllen <= room {
			return h, length, slices.Clone(w.window[h.control-from:][:h.controllen]), nil
		}
	}
	if h, length, err = readHeader(th, c, i); err == nil {
		control, err = w.control(th, h)
	}
	return h, length, control, err
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
	room := false
	for i := range c.Vlen {
		h, _, err := readHeader(th, c, i)
		if err != nil { // the kernel cannot read it either
			break
		}
		u.headers = append(u.headers, h)
		room = room || h.controllen > 0
	}
	if c.Kind == ptrace.Recvmsg && w.lint && room {
		u.filled, _ = w.control(th, u.headers[0])
	}
	return !isSend(c) || room || len(u.headers) < c.Vlen
}

// Returned looks at a call that has been made.
func (w *watcher) Returned(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result) error {
	if errno := res.Errno(); errno >= 512 || errno == syscall.EINTR {
		return nil // ERESTARTSYS and the like: it is made again, or was to end
	}
	u := c.State.(*underWay)
	switch c.Kind {
	case ptrace.IoUring:
		return w.usesIoUring(th, c, res)
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
	r := w.record(th, c, res)
	r.Errno, r.Note = errnoName(errno), callErrors[errno].why
	if len(u.headers) > 0 {
		h := u.headers[0]
		r.Room = h.controllen
		w.destination(r, th, c, h)
		if isSend(c) {
			if control, err := w.control(th, h); err == nil {
				w.explain(r, th, c, control)
			}
		}
	}
	return w.show(r)
}

// message shows message i of a call that worked, unless it has neither control
// messages nor lost any.
func (w *watcher) message(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result, u *underWay, i int) error {
	before := u.headers[i]
	h := before
	var length uint32
	var control []byte
	var err error
	if isSend(c) && !isBatch(c) {
		control, err = w.control(th, h)
	} else {
		h, length, control, err = w.readReceived(th, c, before, i)
	}
	if err != nil {
		return nil // another thread has just unmapped it
	}
	if h.controllen == 0 && (isSend(c) || h.flags&rawmsg.MSG_CTRUNC == 0) {
		w.prefilled(th, c, res, u)
		return nil
	}
	r := w.record(th, c, res)
	r.Room = before.controllen
	if isBatch(c) {
		r.Index, r.Result = &i, int64(length)
	}
	if !isSend(c) {
		r.MsgFlags = flagNames(h.flags)
	}
	w.destination(r, th, c, h)
	w.explain(r, th, c, control)
	w.examine(r, th, c, h, control)
	return w.show(r)
}

// control reads a control buffer.
func (w *watcher) control(th *ptrace.Thread, h header) ([]byte, error) {
	if h.controllen == 0 {
		return nil, nil
	}
	b := make([]byte, min(h.controllen, decode.MaxBuffer))
	return b, th.Peek(h.control, b)
}

// record begins the record of a call.
func (w *watcher) record(th *ptrace.Thread, c *ptrace.Call, res ptrace.Result) *traceRecord {
	p := th.Process()
	r := &traceRecord{
		PID: p.PID, TID: th.TID, Program: p.Name(), Call: c.Name, FD: c.FD,
		Flags: flagNames(c.Flags), Result: res.Value, Controls: []traceControl{}, sends: isSend(c),
	}
	if w.json || w.times {
		r.Time = timeStamp(time.Now())
	}
	if res.Error {
		r.Result = -1
	}
	if c.Kind != ptrace.IoUring {
		r.Socket = w.socketOf(p, c.FD).socket
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
	s.Remote = strings.TrimRight(string(b[2:]), "\x00")
	if name, abstract := strings.CutPrefix(s.Remote, "\x00"); abstract {
		s.Remote = "@" + name
	}
	r.Socket = &s
}

// explain puts what is in a control buffer into a record.
func (w *watcher) explain(r *traceRecord, th *ptrace.Thread, c *ptrace.Call, control []byte) {
	if len(control) == 0 {
		return
	}
	d := decode.Explain(c.ABI.Arch, control)
	if w.verbose && !w.json {
		var b strings.Builder
		d.WriteText(&b)
		r.bytes = b.String()
	}
	for _, m := range d.Messages {
		k := traceControl{Name: m.Name, Summary: m.Summary, kind: kindOf(m.Name)}
		for _, fd := range descriptors(m) {
			k.Descriptors = append(k.Descriptors, traceDescriptor{fd, w.descriptorOf(th.Process(), int(fd))})
		}
		r.Controls = append(r.Controls, k)
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

// descriptors are those that a message carries.
func descriptors(m decode.Message) (fds []int64) {
	if m.Name != "SCM_RIGHTS" && m.Name != "SCM_PIDFD" {
		return nil
	}
	for _, f := range m.Fields {
		isFD := strings.HasPrefix(f.Name, "fd[") || f.Name == "pidfd"
		if v, ok := f.Value.(int64); ok && isFD && v >= 0 { // below 0 it is an errno
			fds = append(fds, v)
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
			for b := m.Data; len(b) >= 4; b = b[4:] {
				fds = append(fds, int(int32(a.Uint32(b))))
			}
		}
		control = rest
	}
}
