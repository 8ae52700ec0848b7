//go:build linux

package model

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// room is how many descriptors the caller allows, and how many can come.
type room struct {
	max    int
	keep   bool // KeepTruncated
	extra  bool // ExtraRoom, so that it is not known what did not fit
	places int  // in the table, or more than anybody sends
}

const anyNumber = 1 << 20

// recv is a step.
func (w *world) recv() {
	e := w.anEnd()
	if e == nil {
		return
	}
	if len(e.in.msgs) == 0 && !e.peer.gone && w.n(4) > 0 {
		e = e.peer // there may be something
	}
	if w.poll(e.in); len(e.in.msgs) == 0 {
		if w.recvNothing(e); e.peer.gone && w.n(2) == 0 {
			w.connect()
		}
		return
	}
	if e.stream != nil && w.n(2) == 0 {
		w.readStream(e) // so that it comes to hold more than one group
		return
	}
	switch how := w.n(13); {
	case how < 1:
		w.recvMsg(e)
	case how < 2:
		w.recvOnce(e)
	case how < 4 || how < 7 && !e.in.stream:
		w.recvBatch(e)
	case how < 8 && e.in.stream:
		w.readStream(e)
	case how < 9 && (e.in.busy == nil || !e.in.stream): // else nobody knows what is there to see
		w.viaReceiver(e, "Peek", true, (*fdpass.Receiver).Peek)
	case how < 10 && !e.bare:
		w.viaReceiver(e, "RecvContext", false, func(r *fdpass.Receiver, p []byte) (*fdpass.Message, error) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			return r.RecvContext(ctx, p)
		})
	default:
		w.viaReceiver(e, "Recv", false, (*fdpass.Receiver).Recv)
	}
}

func (w *world) aBuffer(e *end) []byte {
	size := []int{1, 1 + w.n(10), 1 + w.n(100), 1 + w.n(5000), 1 + w.n(50000), 256 << 10}[w.n(6)]
	if !e.in.stream && w.n(10) == 0 {
		size = 0
	}
	return make([]byte, size)
}

func (w *world) aRoom() room {
	return room{
		max:    []int{0, 1, 2, 3, 1 + w.n(40), 253, 253, 253, 300}[w.n(9)],
		keep:   w.n(3) == 0,
		places: anyNumber,
	}
}

// waiting makes sure that nothing waits for ever. Now and then it makes a call find the
// descriptor table nearly full.
func (w *world) waiting(e *end, r *room, call func()) {
	if c, ok := e.conn.(interface{ SetReadDeadline(time.Time) error }); ok {
		w.must(c.SetReadDeadline(time.Now().Add(patience)))
	}
	if w.n(6) == 0 && w.quiet() {
		w.dropLeftover(&e.left) // the Receiver would close it first, and so make room
		r.places = w.n(6)
		restore := fdtest.LimitTable(w.t, r.places)
		defer restore()
		w.sayf("%d places in the table", r.places)
		w.count["calls with a full table"]++
	}
	call()
}

// outcome finds out what must have happened to the descriptors of a message that was
// received, and compares the error with that. It returns the files that the caller has
// got.
func (w *world) outcome(r *room, m *sent, cut bool, err error) (files []int) {
	if m != nil && !m.taken {
		files = m.files
	}
	came := min(len(files), r.places) // into the table, where surplus ones are closed afterwards
	r.places -= came
	truncated := came < len(files) || came > r.max
	if is := errors.Is(err, fdpass.ErrTruncated); is != truncated {
		w.failf("%d of %d descriptors came, and the error is %v", came, len(files), err)
	}
	is, full := errors.Is(err, syscall.EMFILE), came < len(files) && came <= r.max && !r.extra
	if is != full {
		w.failf("at most %d, the table was full: %v, and the error is %v", r.max, full, err)
	}
	if is := errors.Is(err, fdpass.ErrPayloadTruncated); is != cut {
		w.failf("the payload was cut: %v, and the error is %v", cut, err)
	}
	if err != nil && !truncated && !cut {
		w.failf("%v", err)
	}
	if truncated {
		w.count["messages truncated"]++
	}
	if (truncated || cut) && !r.keep {
		return nil
	}
	return files[:min(came, r.max)]
}

// delivered notes that the descriptors of a message have been received, and that the
// caller has got those of some files.
func (w *world) delivered(m *sent, files []int, peek bool) {
	if m != nil && !m.taken && !peek {
		m.taken = true
		w.setFlying(m.files, false)
	}
	w.hold(files, 1)
	w.count["descriptors received"] += len(files)
}

// looksLikeTheEnd reports whether a message looks the same as the end of the
// connection.
func (w *world) looksLikeTheEnd(e *end, m *sent) bool {
	return e.typ == syscall.SOCK_SEQPACKET && len(m.payload) == 0 && len(m.files) == 0 && !w.creds
}

// wasReset reports whether a receive only said that the peer has closed with something
// unread, which it does once.
func (w *world) wasReset(e *end, err error) bool {
	if !e.reset || !errors.Is(err, syscall.ECONNRESET) {
		return false
	}
	e.reset = false
	w.sayf("%v", err)
	return true
}

// tookNothing reports whether a receive has rightly returned no message.
func (w *world) tookNothing(e *end, peek bool, err error) bool {
	switch {
	case w.wasReset(e, err):
		return true
	case err == io.EOF && !e.in.stream && w.looksLikeTheEnd(e, e.in.msgs[0]):
		if !peek {
			e.in.msgs = e.in.msgs[1:]
		}
		return true
	case e.bare && e.in.busy != nil && errors.Is(err, syscall.EAGAIN):
		return true // the sender has not come to it yet
	}
	return false
}

// takePayload takes what was received off the queue.
func (w *world) takePayload(e *end, p []byte, size int,
	peek bool) (m *sent, cut bool, cred fdpass.Credentials) {
	m, known, err := e.in.receive(p, size, w.creds, peek)
	w.must(err)
	cred = unknown
	if known {
		cred = me
	}
	w.count["messages received"]++
	return m, !e.in.stream && size < len(m.payload), cred
}

// checkMessage looks at the rest of what a message says.
func (w *world) checkMessage(m *fdpass.Message, cred fdpass.Credentials) {
	got, ok := m.Credentials()
	if ok != w.creds || ok && got != cred {
		w.failf("credentials %v, %v, want %v, %v", got, ok, cred, w.creds)
	}
}

// getReceiver returns a Receiver for an end, sometimes a new one.
func (w *world) getReceiver(e *end) *fdpass.Receiver {
	if e.receiver != nil && w.n(3) > 0 {
		return e.receiver
	}
	w.dropLeftover(&e.left)
	e.room = w.aRoom()
	opts := fdpass.Options{MaxFDs: e.room.max, KeepTruncated: e.room.keep}
	if w.n(3) == 0 {
		opts.ExtraRoom = fdpass.CmsgSpace(4 * w.n(5))
	}
	e.room.extra = opts.ExtraRoom > 0
	var err error
	e.receiver, err = fdpass.NewReceiver(e.conn, opts)
	w.must(err)
	return e.receiver
}

// viaReceiver receives with a Receiver.
func (w *world) viaReceiver(e *end, how string, peek bool,
	call func(*fdpass.Receiver, []byte) (*fdpass.Message, error)) {
	recv, buf := w.getReceiver(e), w.aBuffer(e)
	r := e.room
	var m *fdpass.Message
	var err error
	w.waiting(e, &r, func() { m, err = call(recv, buf) })
	w.hold(e.left.files, -1) // closed before the call
	e.left = leftover{}
	w.sayf("%v %s %d bytes room for %d keep %v: %v", e.peer, how, len(buf), r.max, r.keep, err)
	if m == nil {
		if !w.tookNothing(e, peek, err) {
			w.failf("no message: %v", err)
		}
		return
	}
	msg, cut, cred := w.takePayload(e, m.Payload(), len(buf), peek)
	if bad := m.Err() != nil && !r.keep; bad != (err != nil) {
		w.failf("keep %v: %v, and the message says %v", r.keep, err, m.Err())
	}
	files := w.outcome(&r, msg, cut, m.Err())
	w.delivered(msg, files, peek)
	w.identify(m.FDs(), files)
	w.checkMessage(m, cred)
	e.left = w.dispose(m, files)
}

// dispose does with a message's descriptors one of the things that a program may
// do, and returns what is left in it.
func (w *world) dispose(m *fdpass.Message, files []int) leftover {
	switch w.n(6) {
	case 0:
		w.must(m.Close())
		w.hold(files, -1)
	case 1:
		w.keep(m.TakeFDs(), files)
	case 2:
		w.keepFiles(m.TakeFiles(), files)
	default:
		return leftover{files, m.Close}
	}
	if again := m.TakeFDs(); again != nil {
		w.failf("got %v a second time", again)
	}
	return leftover{}
}

func (w *world) recvMsg(e *end) {
	r, buf := w.aRoom(), w.aBuffer(e)
	r.keep = false
	var n int
	var osFiles []*os.File
	var err error
	w.waiting(e, &r, func() { n, osFiles, err = fdpass.RecvMsg(e.conn, buf, r.max) })
	w.sayf("%v RecvMsg %d bytes room for %d: %v", e.peer, len(buf), r.max, err)
	if n == 0 && err != nil && w.tookNothing(e, false, err) {
		return
	}
	m, cut, _ := w.takePayload(e, buf[:n], len(buf), false)
	files := w.outcome(&r, m, cut, err)
	w.delivered(m, files, false)
	w.keepFiles(osFiles, files)
	w.identify(numbersOf(osFiles), files)
}

func numbersOf(files []*os.File) (fds []int) {
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	return fds
}

// recvOnce receives with the functions that take one byte.
func (w *world) recvOnce(e *end) {
	r := w.aRoom()
	r.keep = false
	var fds []int
	var osFiles []*os.File
	var err error
	w.waiting(e, &r, func() {
		if fd, ok := e.conn.(fdpass.Socket); ok {
			fds, err = fdpass.RecvFDs(int(fd), r.max)
		} else {
			osFiles, err = fdpass.Recv(e.conn, r.max)
		}
	})
	w.sayf("%v Recv room for %d: %v", e.peer, r.max, err)
	if err != nil && w.tookNothing(e, false, err) {
		return
	}
	first := e.in.msgs[0].payload[e.in.read:]
	m, _, _ := w.takePayload(e, first[:min(1, len(first))], 1, false)
	files := w.outcome(&r, m, false, err)
	w.delivered(m, files, false)
	if osFiles != nil {
		w.keepFiles(osFiles, files)
		w.identify(numbersOf(osFiles), files)
		return
	}
	w.keep(fds, files)
	w.identify(fds, files)
}

// recvBatch receives several messages at once.
func (w *world) recvBatch(e *end) {
	busy := e.in.busy != nil
	likeTheEnd := func(m *sent) bool { return w.looksLikeTheEnd(e, m) }
	if busy && slices.ContainsFunc(e.in.msgs, likeTheEnd) {
		return // nobody knows how many of them came
	}
	w.dropLeftover(&e.inBatch)
	r := w.aRoom()
	bufs := make([][]byte, 1+w.n(6))
	for i := range bufs {
		bufs[i] = w.aBuffer(e)
	}
	b, err := fdpass.NewBatchReceiver(e.conn, len(bufs)+w.n(2), fdpass.Options{
		MaxFDs: r.max, KeepTruncated: r.keep,
	})
	w.must(err)
	there := min(len(bufs), len(e.in.msgs))
	var msgs []*fdpass.Message
	w.waiting(e, &r, func() { msgs, err = b.Recv(bufs) })
	w.sayf("%v BatchReceiver %d buffers room for %d keep %v: %d, %v", e.peer, len(bufs), r.max, r.keep,
		len(msgs), err)
	if err == io.EOF && !e.in.stream {
		err = nil // there should be no messages but those that look like the end
	} else if err != nil && w.tookNothing(e, false, err) {
		return
	}
	w.must(err)
	w.settleBatch(e, &r, bufs, msgs)
	switch {
	case busy:
	case e.in.stream && len(msgs) < len(bufs) && len(e.in.msgs) > 0:
		w.failf("a batch of %d ended after %d, and there is more", len(bufs), len(msgs))
	case !e.in.stream:
		rest := e.in.msgs[:there-len(msgs)]
		if slices.ContainsFunc(rest, func(m *sent) bool { return !likeTheEnd(m) }) {
			w.failf("a batch of %d for %d messages had %d", len(bufs), there, len(msgs))
		}
		e.in.msgs = e.in.msgs[len(rest):]
	}
	e.closeBatch(b)
}

// settleBatch goes through the messages of a batch.
func (w *world) settleBatch(e *end, r *room, bufs [][]byte, msgs []*fdpass.Message) {
	var all leftover
	for i := range msgs {
		m := msgs[i]
		if len(e.in.msgs) == 0 {
			w.failf("message %d of %d was not sent", i, len(msgs))
		}
		msg, cut, cred := w.takePayload(e, m.Payload(), len(bufs[i]), false)
		files := w.outcome(r, msg, cut, m.Err())
		w.delivered(msg, files, false)
		w.identify(m.FDs(), files)
		w.checkMessage(m, cred)
		if left := w.dispose(m, files); left.close != nil {
			all.files = append(all.files, left.files...)
		}
	}
	e.inBatch.files = all.files
}

// closeBatch leaves what a batch still owns to its Close.
func (e *end) closeBatch(b *fdpass.BatchReceiver) {
	e.batch = b
	e.inBatch.close = b.Close
}

// lent is a connection that a Stream does not close.
type lent struct{ syscall.Conn }

// readStream reads from a Stream.
func (w *world) readStream(e *end) {
	if e.stream == nil {
		e.held = heldByStream{limit: []int{0, 1, 5, 50, 253, 300}[w.n(6)]}
		var err error
		e.stream, err = fdpass.NewStream(lent{e.conn}, fdpass.StreamOptions{MaxFDs: e.held.limit})
		w.must(err)
	}
	h, buf := &e.held, w.aBuffer(e)
	r := room{max: min(h.limit-len(h.files()), rawmsg.SCM_MAX_FD), places: anyNumber}
	var n int
	var err error
	w.waiting(e, &r, func() { n, err = e.stream.Read(buf) })
	w.sayf("%v Stream %d bytes room for %d: %d, %v", e.peer, len(buf), r.max, n, err)
	if n == 0 && w.tookNothing(e, false, err) {
		return
	}
	m, _, _ := w.takePayload(e, buf[:n], len(buf), false)
	files := w.outcome(&r, m, false, err)
	w.delivered(m, files, false)
	h.offset += int64(n)
	if len(files) > 0 {
		h.groups = append(h.groups, heldGroup{h.offset, files})
	}
	if e.stream.Offset() != h.offset {
		w.failf("offset %d, want %d", e.stream.Offset(), h.offset)
	}
	if err != nil {
		w.endStream(e, r.max, err)
	}
}

// endStream is what follows an error that ends a Stream.
func (w *world) endStream(e *end, room int, err error) {
	over := !errors.Is(err, syscall.EMFILE) && room < rawmsg.SCM_MAX_FD
	if errors.Is(err, fdpass.ErrTooManyFDs) != over {
		w.failf("over the limit: %v, and the error is %v", over, err)
	}
	if n, again := e.stream.Read(make([]byte, 1)); n != 0 || again != err {
		w.failf("after an error: %d, %v", n, again)
	}
	w.dropStream(e)
}

// takeFromStream is a step.
func (w *world) takeFromStream() {
	e := w.anEnd()
	if e == nil || e.stream == nil {
		return
	}
	h := &e.held
	consumed := w.rng.Int64N(h.offset + 1)
	if w.n(2) == 0 {
		consumed = h.offset
	}
	var files []int
	for len(h.groups) > 0 && h.groups[0].end <= consumed {
		files = append(files, h.groups[0].files...)
		h.groups = h.groups[1:]
	}
	fds, err := e.stream.TakeFDs(consumed)
	w.must(err)
	w.sayf("%s took %d descriptors for %d bytes of %d", e.name, len(fds), consumed, h.offset)
	w.identify(fds, files)
	w.keep(fds, files)
	w.count["descriptors taken from a Stream"] += len(files)
}

// recvNothing receives where nothing is: the end, or a wait that is ended.
func (w *world) recvNothing(e *end) {
	if e.in.stream && e.stream != nil && w.n(2) == 0 {
		w.waitForNothing(e, func(_ context.Context, p []byte) (bool, error) {
			n, err := e.stream.Read(p)
			return n != 0, err
		})
		return
	}
	recv := w.getReceiver(e)
	w.waitForNothing(e, func(ctx context.Context, p []byte) (bool, error) {
		defer func() {
			w.hold(e.left.files, -1)
			e.left = leftover{}
		}()
		if e.bare || ctx == nil {
			m, err := recv.Recv(p)
			return m != nil, err
		}
		m, err := recv.RecvContext(ctx, p)
		return m != nil, err
	})
}

// waitForNothing has a wait ended by a deadline, or by a context, which is nil
// for a deadline.
func (w *world) waitForNothing(e *end, call func(ctx context.Context, p []byte) (got bool, err error)) {
	want := []error{os.ErrDeadlineExceeded}
	deadline := time.Now().Add(time.Duration(w.n(400)-100) * time.Microsecond) // or it is over before the wait
	var ctx context.Context
	switch {
	case e.bare:
		want = []error{syscall.EAGAIN}
	case w.n(3) > 0:
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.Background(), deadline)
		defer cancel()
		deadline = time.Now().Add(patience)
		want = append(want, context.DeadlineExceeded) // a Stream knows no context
		w.count["receives cancelled"]++
	}
	if e.peer.gone && e.typ != syscall.SOCK_DGRAM {
		want, deadline = []error{io.EOF}, time.Now().Add(patience)
		ctx = nil
	}
	if c, ok := e.conn.(interface{ SetReadDeadline(time.Time) error }); ok {
		if ctx != nil && e.stream != nil {
			deadline = time.Now().Add(time.Millisecond)
		}
		w.must(c.SetReadDeadline(deadline))
	}
	got, err := call(ctx, []byte{0})
	w.sayf("%v nothing: %v", e.peer, err)
	ok := slices.ContainsFunc(want, func(want error) bool { return errors.Is(err, want) })
	if got || !ok && !w.wasReset(e, err) {
		w.failf("nothing was sent: %v, %v", got, err)
	}
}

// interruptReceive is a step: a receive that waits is interrupted by signals,
// and then gets its message.
func (w *world) interruptReceive() {
	e := w.anEnd()
	if e == nil || !e.bare || e.peer.gone || !w.quiet() || len(e.in.msgs) > 0 {
		return
	}
	catchSignals()
	fd := int(e.conn.(fdpass.Socket))
	w.must(limitWait(fd, syscall.SO_RCVTIMEO, patience))
	m := &sent{payload: []byte("at last"), files: w.pick(w.n(4)), cred: w.creds}
	w.viaReceiver(e, "Recv, interrupted,", false,
		func(r *fdpass.Receiver, p []byte) (got *fdpass.Message, err error) {
			var tid atomic.Int32
			done := make(chan struct{})
			go func() {
				defer close(done)
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				tid.Store(int32(syscall.Gettid()))
				got, err = r.Recv(p)
			}()
			for tid.Load() == 0 {
				runtime.Gosched()
			}
			for range 3 {
				time.Sleep(100 * time.Microsecond)
				syscall.Tgkill(os.Getpid(), int(tid.Load()), syscall.SIGUSR1)
			}
			w.launch(e.peer, "Send", func() (int, int, error) {
				_, err := fdpass.SendMsg(e.peer.conn, m.payload, w.filesOf(m.files)...)
				return 1, 0, err
			}, nil, m)
			w.join(e.in)
			<-done
			return got, err
		})
	w.must(limitWait(fd, syscall.SO_RCVTIMEO, 2*time.Millisecond))
	w.count["receives interrupted"]++
}
