//go:build linux

package model

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// end is one end of the connection.
type end struct {
	name  string
	bare  bool // a blocking descriptor, instead of a connection with a poller
	typ   int
	conn  syscall.Conn
	close func() error

	peer    *end
	in, out *queue
	gone    bool
	reset   bool // the next receive may say ECONNRESET

	sender   *fdpass.Sender
	receiver *fdpass.Receiver
	batch    *fdpass.BatchReceiver
	stream   *fdpass.Stream
	room     room     // of receiver
	left     leftover // in the receiver's message
	inBatch  leftover // in the batch's messages
	held     heldByStream
}

// leftover is what a reader still owns, and closes before it reads again.
type leftover struct {
	files []int
	close func() error
}

// heldByStream is what a Stream still owns.
type heldByStream struct {
	limit  int
	offset int64
	groups []heldGroup
}

type heldGroup struct {
	end   int64
	files []int
}

func (h *heldByStream) files() (files []int) {
	for _, g := range h.groups {
		files = append(files, g.files...)
	}
	return files
}

// connect is a step: the ends, of which there are two at any time, are replaced.
func (w *world) connect() {
	w.disconnect()
	network := []string{"unix", "unix", "unixgram", "unixpacket"}[w.n(4)]
	typ := fdtest.Types[network]
	fds, err := syscall.Socketpair(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC, 0)
	w.must(err)
	ab, ba := &queue{stream: network == "unix"}, &queue{stream: network == "unix"}
	a, b := &end{name: "a", typ: typ, in: ba, out: ab}, &end{name: "b", typ: typ, in: ab, out: ba}
	a.peer, b.peer = b, a
	w.ends, w.creds = [2]*end{a, b}, false
	for i, e := range w.ends {
		if size := []int{0, 1, 20000}[w.n(3)]; size > 0 && network == "unix" {
			w.must(syscall.SetsockoptInt(fds[i], syscall.SOL_SOCKET, syscall.SO_SNDBUF, size))
		}
		w.must(e.open(fds[i], []string{"net", "file", "bare"}[w.n(3)]))
		w.sayf("%s: %s, %T", e.name, network, e.conn)
	}
}

// open makes a descriptor the kind of connection that a program may have.
func (e *end) open(fd int, kind string) error {
	switch kind {
	case "bare":
		e.bare, e.conn = true, fdpass.Socket(fd)
		e.close = func() error { return syscall.Close(fd) }
		// With these set, signals interrupt the calls.
		if err := limitWait(fd, syscall.SO_SNDTIMEO, time.Minute); err != nil {
			return err
		}
		return limitWait(fd, syscall.SO_RCVTIMEO, 2*time.Millisecond)
	case "file":
		if err := syscall.SetNonblock(fd, true); err != nil {
			return err
		}
		f := os.NewFile(uintptr(fd), "socket")
		e.conn, e.close = f, f.Close
		return nil
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	c, err := net.FileConn(f)
	if err == nil {
		e.conn, e.close = c.(*net.UnixConn), c.Close
	}
	return err
}

func limitWait(fd, opt int, d time.Duration) error {
	tv := syscall.NsecToTimeval(d.Nanoseconds())
	return syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, opt, &tv)
}

// shut ends the calls that are blocked on a bare descriptor, which would not
// notice that it is closed.
func (e *end) shut() {
	if fd, ok := e.conn.(fdpass.Socket); ok {
		syscall.Shutdown(int(fd), syscall.SHUT_RDWR)
	}
}

// disconnect closes both ends, and with them all that is in their queues.
func (w *world) disconnect() {
	for _, e := range w.ends {
		if e != nil && !e.gone {
			w.closeEnd(e)
		}
	}
	for _, e := range w.ends {
		if e != nil {
			w.clear(e.in)
		}
	}
	w.ends = [2]*end{}
}

// closeEnd closes an end. What it has sent can still be received, but for what
// was sent to it.
func (w *world) closeEnd(e *end) {
	w.dropReaders(e)
	e.gone = true
	if e.bare {
		e.shut()
		w.join(e.out)
	}
	w.must(e.close())
	w.join(e.out)
	w.join(e.in)
	w.clear(e.in)
	e.peer.reset = e.typ != syscall.SOCK_DGRAM
}

// clear drops what is in the queues, as the kernel does when nobody can receive it any
// more.
func (w *world) clear(q *queue) {
	for _, m := range q.msgs {
		if !m.taken {
			w.setFlying(m.files, false)
		}
	}
	q.msgs, q.read = nil, 0
}

// dropReaders closes what the readers of an end still own.
func (w *world) dropReaders(e *end) {
	w.dropLeftover(&e.left)
	w.dropLeftover(&e.inBatch)
	e.receiver, e.batch, e.sender = nil, nil, nil
	w.dropStream(e)
}

func (w *world) dropLeftover(l *leftover) {
	if l.close != nil {
		w.must(l.close())
		w.hold(l.files, -1)
		*l = leftover{}
	}
}

func (w *world) dropStream(e *end) {
	if e.stream != nil {
		w.must(e.stream.Close())
		w.hold(e.held.files(), -1)
		e.stream, e.held = nil, heldByStream{}
	}
}

// vanish is a step: one end closes, whatever is going on.
func (w *world) vanish() {
	if e := w.anEnd(); e != nil && !e.peer.gone {
		w.closeEnd(e)
		w.sayf("%s closes", e.name)
		w.count["ends vanished"]++
	}
}

// anEnd returns one that is open, or nil.
func (w *world) anEnd() *end {
	e := w.ends[w.n(2)]
	if e == nil || e.gone {
		return nil
	}
	return e
}

// quiet reports whether nothing is being sent.
func (w *world) quiet() bool {
	for _, e := range w.ends {
		w.poll(e.out)
		if e.out.busy != nil {
			return false
		}
	}
	return true
}

// me are the credentials of this process, which sends everything. unknown are those of
// a message that was sent when nobody had asked for credentials.
var (
	me      = fdpass.Credentials{PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	unknown = fdpass.Credentials{PID: 0, UID: 65534, GID: 65534}
)

// switchCredentials is a step: SO_PASSCRED at both ends. It needs new readers,
// since those that there are have no room for credentials.
func (w *world) switchCredentials() {
	if w.ends[0] == nil || w.ends[0].gone || w.ends[1].gone || !w.quiet() {
		return
	}
	w.creds = !w.creds
	for _, e := range w.ends {
		w.dropReaders(e)
		if w.creds {
			_, err := fdpass.NewReceiver(e.conn, fdpass.Options{Credentials: true})
			w.must(err)
			continue
		}
		raw, err := e.conn.SyscallConn()
		w.must(err)
		w.must(raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PASSCRED, 0)
		}))
		w.must(err)
	}
	w.sayf("credentials: %v", w.creds)
}

func (e *end) String() string { return fmt.Sprintf("%s→%s", e.name, e.peer.name) }
