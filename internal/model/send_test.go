//go:build linux

package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// sending is a call that sends, which may have to wait until somebody receives.
type sending struct {
	from   *end
	msgs   []*sent
	cancel func() // or nil
	tid    atomic.Int32
	done   chan struct{}

	toNobody bool // the peer was gone before

	// When it is done: how many messages have gone as a whole, how many bytes of
	// the next one, and why.
	n, part int
	err     error
}

// patience is how long anything may take that should take no time.
const patience = 20 * time.Second

// send is a step.
func (w *world) send() {
	e := w.anEnd()
	if e == nil || e.peer.gone && e.typ == syscall.SOCK_DGRAM {
		return
	}
	if w.poll(e.out); e.out.busy != nil {
		w.sayf("%v still busy", e)
		return
	}
	switch w.n(8) {
	case 0:
		w.sendFiles(e)
	case 1:
		w.sendBatch(e)
	case 2:
		w.sendWithContext(e)
	case 3:
		w.sendRefused(e)
	default:
		w.sendMessage(e)
	}
}

// aMessage makes a random message that can be sent from e.
func (w *world) aMessage(e *end) *sent {
	n := []int{0, 0, 0, 1, 1, 2, 3, 4 + w.n(30), 253}[w.n(9)]
	size := []int{0, 1, 1 + w.n(16), 1 + w.n(100), 1 + w.n(4096), 1 + w.n(30000), w.n(200<<10) + 1}[w.n(7)]
	if size == 0 && e.typ == syscall.SOCK_STREAM {
		size = 1
	}
	m := &sent{payload: make([]byte, size), files: w.pick(n), cred: w.creds}
	seed := [32]byte{byte(w.rng.Uint32()), byte(w.rng.Uint32()), byte(w.rng.Uint32())}
	rand.NewChaCha8(seed).Read(m.payload)
	return m
}

// out returns a message as the library takes it, sometimes with credentials, which
// make the kernel note who sent it.
func (w *world) out(m *sent) fdpass.Outgoing {
	o := fdpass.Outgoing{Payload: m.payload, FDs: w.numbers(m.files)}
	if w.n(4) == 0 {
		o.Credentials, m.cred = &me, true
	}
	return o
}

// numbers returns the descriptors of files in the pool.
func (w *world) numbers(files []int) []int {
	fds := make([]int, len(files))
	for k, i := range files {
		fds[k] = w.fds[i]
	}
	return fds
}

func (w *world) filesOf(files []int) []*os.File {
	osFiles := make([]*os.File, len(files))
	for k, i := range files {
		osFiles[k] = w.pool[i]
	}
	return osFiles
}

func (w *world) sendMessage(e *end) {
	m := w.aMessage(e)
	o := w.out(m)
	if e.typ == syscall.SOCK_STREAM && w.n(4) == 0 {
		s, err := fdpass.NewStream(e.conn, fdpass.StreamOptions{MaxFDs: 0})
		w.must(err)
		m.cred = w.creds
		w.launch(e, "Stream.Send", one(m, func() (int, error) { return s.Send(o.Payload, o.FDs...) }), nil, m)
		return
	}
	if e.sender == nil {
		var err error
		e.sender, err = fdpass.NewSender(e.conn)
		w.must(err)
	}
	s := e.sender
	w.launch(e, "Sender", one(m, func() (int, error) { return s.SendMessage(&o) }), nil, m)
}

// one makes a call that sends one message like one that sends several.
func one(m *sent, send func() (int, error)) func() (int, int, error) {
	return func() (int, int, error) {
		n, err := send()
		if err != nil {
			return 0, n, err
		}
		if n != len(m.payload) {
			return 0, 0, fmt.Errorf("sent %d bytes of %d without an error", n, len(m.payload))
		}
		return 1, 0, nil
	}
}

func (w *world) sendWithContext(e *end) {
	if e.bare {
		w.sendMessage(e)
		return
	}
	m := w.aMessage(e)
	o := w.out(m)
	s, err := fdpass.NewSender(e.conn)
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	w.launch(e, "SendContext", one(m, func() (int, error) {
		return s.SendMessageContext(ctx, &o)
	}), cancel, m)
}

func (w *world) sendFiles(e *end) {
	m := w.aMessage(e)
	files := w.filesOf(m.files)
	if w.n(3) == 0 {
		m.payload = []byte{0}
		w.launch(e, "Send", func() (int, int, error) {
			if err := fdpass.Send(e.conn, files...); err != nil {
				return 0, 0, err
			}
			return 1, 0, nil
		}, nil, m)
		return
	}
	w.launch(e, "SendMsg", one(m, func() (int, error) {
		return fdpass.SendMsg(e.conn, m.payload, files...)
	}), nil, m)
}

func (w *world) sendBatch(e *end) {
	var msgs []*sent
	var out []fdpass.Outgoing
	for range 1 + w.n(5) {
		m := w.aMessage(e)
		w.setFlying(m.files, true) // so that the next one has others
		msgs, out = append(msgs, m), append(out, w.out(m))
	}
	for _, m := range msgs {
		w.setFlying(m.files, false)
	}
	b, err := fdpass.NewBatchSender(e.conn)
	w.must(err)
	w.launch(e, "BatchSender", func() (int, int, error) { return b.Send(out) }, nil, msgs...)
}

// sendRefused tries what must not send anything.
func (w *world) sendRefused(e *end) {
	s, err := fdpass.NewSender(e.conn)
	w.must(err)
	n, err := s.Send([]byte("x"), slices.Repeat(w.fds[:1], rawmsg.SCM_MAX_FD+1)...)
	if n != 0 || !errors.Is(err, fdpass.ErrTooManyFDs) {
		w.failf("254 descriptors: %d, %v", n, err)
	}
	if e.typ == syscall.SOCK_STREAM {
		if n, err := s.Send(nil, w.fds[0]); n != 0 || !errors.Is(err, fdpass.ErrNoPayload) {
			w.failf("descriptors without payload: %d, %v", n, err)
		}
	}
	if n, err := s.Send([]byte("x"), w.fds[0], -1); n != 0 || !errors.Is(err, syscall.EBADF) && !e.peer.gone {
		w.failf("a bad descriptor: %d, %v", n, err)
	}
	w.sayf("%v refused", e)
}

// launch starts a call, and waits for it for as long as it takes if it does not
// have to wait itself.
func (w *world) launch(e *end, how string, call func() (n, part int, err error), cancel func(),
	msgs ...*sent) {
	s := &sending{from: e, msgs: msgs, cancel: cancel, done: make(chan struct{}), toNobody: e.peer.gone}
	w.sayf("%v %s", e, how)
	for _, m := range msgs {
		w.sayf("%d bytes %d descriptors", len(m.payload), len(m.files))
		w.setFlying(m.files, true)
	}
	e.out.msgs = append(e.out.msgs, msgs...)
	e.out.busy = s
	go func() {
		if e.bare {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			s.tid.Store(int32(syscall.Gettid()))
		}
		s.n, s.part, s.err = call()
		close(s.done)
	}()
	select {
	case <-s.done:
	case <-time.After(2 * time.Millisecond):
	}
	w.poll(e.out)
}

// poll notes that a call has ended.
func (w *world) poll(q *queue) {
	if q.busy != nil {
		select {
		case <-q.busy.done:
			w.settle(q)
		default:
		}
	}
}

// join waits for the call that is running.
func (w *world) join(q *queue) {
	if q.busy == nil {
		return
	}
	select {
	case <-q.busy.done:
		w.settle(q)
	case <-time.After(patience):
		w.failf("a send hangs")
	}
}

// settle makes the model agree with what a call says that it has sent.
func (w *world) settle(q *queue) {
	s := q.busy
	q.busy = nil
	if s.cancel != nil {
		s.cancel()
	}
	w.sayf("%v sent %d+%d %v", s.from, s.n, s.part, s.err)
	if (s.err == nil) != (s.n == len(s.msgs)) || s.err != nil && !w.mayFail(s) {
		w.failf("%d messages and %d bytes of %d were sent, %v", s.n, s.part, len(s.msgs), s.err)
	}
	if s.err == nil && s.toNobody {
		w.failf("sent to nobody")
	}
	if s.err != nil && s.from.peer.gone && s.from.typ == syscall.SOCK_DGRAM {
		w.clear(s.from.in) // the kernel drops it as soon as it knows that nobody is there
	}
	w.count["messages sent"] += s.n
	for i, m := range s.msgs[s.n:] {
		if i == 0 && s.part > 0 {
			w.count["messages sent in part"]++
			w.must(q.cut(m, s.part))
			continue
		}
		w.must(q.drop(m))
		w.setFlying(m.files, false)
	}
}

// mayFail reports whether there is a reason for a send to fail with this error.
func (w *world) mayFail(s *sending) bool {
	is := func(errs ...error) bool {
		return slices.ContainsFunc(errs, func(err error) bool { return errors.Is(s.err, err) })
	}
	last := s.msgs[min(s.n, len(s.msgs)-1)]
	switch {
	case s.from.gone && is(net.ErrClosed, os.ErrClosed, syscall.EPIPE, syscall.ECONNRESET):
	case s.from.peer.gone && is(syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ENOTCONN):
	case s.cancel != nil && is(context.Canceled):
	case len(last.payload) > 100<<10 && !s.from.out.stream && is(syscall.EMSGSIZE, syscall.ENOBUFS):
	default:
		return false
	}
	return true
}

// cancelSend is a step.
func (w *world) cancelSend() {
	for _, e := range w.ends {
		if q := e.out; q.busy != nil && q.busy.cancel != nil {
			q.busy.cancel()
			w.join(q)
			w.count["sends cancelled"]++
		}
	}
}

// catchSignals makes SIGUSR1 do nothing but interrupt.
var catchSignals = sync.OnceFunc(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1) })

// signalSender is a step: it interrupts sends that wait.
func (w *world) signalSender() {
	catchSignals()
	for _, e := range w.ends {
		for range 3 {
			if q := e.out; q.busy != nil && e.bare {
				syscall.Tgkill(os.Getpid(), int(q.busy.tid.Load()), syscall.SIGUSR1)
				time.Sleep(50 * time.Microsecond)
				w.poll(q)
				w.count["signals to a sender"]++
			}
		}
	}
}
