package fdpass

import (
	"os"
	"slices"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// BatchSender sends many messages with as few system calls as the kernel
// allows, sendmmsg(2), without allocating memory for each batch. It does not own
// the connection and is not safe for concurrent use. On gVisor it makes one system
// call for each message.
//
// It is not yet stable: a later version may change it.
type BatchSender struct {
	end   endpoint
	hdrs  []mmsghdr
	iovs  []iovec
	mem   []byte     // control messages and addresses, one after the other
	plain []Outgoing // messages with the descriptors of their files
	files []*os.File

	// The current call.
	msgs []Outgoing
	done int // messages that have been sent
	part int // bytes of the next one that have been sent
	err  error
	try  func(fd uintptr) bool // push, as a value that is allocated only once
}

// NewBatchSender makes a BatchSender. Errors are those of [NewReceiver].
func NewBatchSender(conn syscall.Conn) (*BatchSender, error) {
	end, err := open(conn)
	if err != nil {
		return nil, err
	}
	end.share()
	b := &BatchSender{end: end}
	b.try = b.push
	return b, nil
}

// Send sends messages in their order. It waits until all of them have been sent
// or one of them has failed, and returns n, the number of messages that were sent
// as a whole. The one that failed is msgs[n]. On a stream, nbytes of its payload
// have been sent; if nbytes is not 0, so have all of its descriptors.
//
// Errors are those of [Sender.SendMessage]. If one message cannot be sent at all
// ([ErrTooManyFDs], [ErrNoPayload]), none is sent.
func (b *BatchSender) Send(msgs []Outgoing) (n, nbytes int, err error) {
	b.done, b.part = 0, 0
	for i := range msgs {
		if err := msgs[i].check(&b.end); err != nil {
			return 0, 0, err
		}
	}
	files := b.files[:0]
	for i := range msgs {
		files = append(files, msgs[i].Files...)
	}
	b.files = files
	if len(files) == 0 {
		err = b.sendFDs(msgs)
	} else {
		err = withFDs(files, nil, func(fds []int) error {
			return b.sendFDs(b.withNumbers(msgs, fds))
		})
		clear(files)
	}
	return b.done, b.part, err
}

// withNumbers replaces the files of messages by their descriptors.
func (b *BatchSender) withNumbers(msgs []Outgoing, fds []int) []Outgoing {
	b.plain = append(b.plain[:0], msgs...)
	for i := range b.plain {
		out := &b.plain[i]
		if n := len(out.Files); n > 0 {
			out.FDs = slices.Concat(out.FDs, fds[:n])
			out.Files, fds = nil, fds[n:]
		}
	}
	return b.plain
}

// sendFDs sends messages without files.
func (b *BatchSender) sendFDs(msgs []Outgoing) error {
	if err := b.prepare(msgs); err != nil {
		return err
	}
	err := b.end.inTurn(0, b.end.write(b.try), &b.err, b.try)
	if err == nil {
		err = os.NewSyscallError("sendmmsg", b.err)
	}
	b.msgs = nil
	clear(b.plain)
	return err
}

// prepare fills in the headers of all messages.
func (b *BatchSender) prepare(msgs []Outgoing) error {
	size, pieces := 0, 0
	for i := range msgs {
		size += msgs[i].controlLen() + sockaddrLen
		pieces += 1 + len(msgs[i].More)
	}
	b.hdrs = slices.Grow(b.hdrs[:0], len(msgs))[:len(msgs)]
	// Both have to stay in their places below.
	iovs := slices.Grow(b.iovs[:0], pieces)[:0]
	mem := slices.Grow(b.mem[:0], size)
	b.iovs, b.mem = iovs, mem
	for i := range msgs {
		out := &msgs[i]
		control := out.appendControl(mem)[len(mem):]
		mem = mem[:len(mem)+len(control)]
		name, err := out.appendName(mem)
		if err != nil {
			return err
		}
		name = name[len(mem):]
		mem = mem[:len(mem)+len(name)]
		from := len(iovs)
		iovs = appendIovecs(iovs, 0, out.Payload, out.More)
		fillHeader(&b.hdrs[i].Hdr, nil, control, name)
		setPieces(&b.hdrs[i].Hdr, iovs[from:])
	}
	b.msgs, b.err = msgs, errNotCalled
	return nil
}

// push makes the system call until every message has been sent. The kernel stops
// at a message that fails, and at one of which it has taken only a part. It returns
// an error only for the first message of a call: the next turn of the loop makes
// the failed message the first.
func (b *BatchSender) push(fd uintptr) (done bool) {
	if b.end.heldUp() != nil {
		b.err = errNotMyTurn
		return true
	}
	for b.done < len(b.msgs) {
		hdrs := b.hdrs[b.done:]
		if len(hdrs) > 1 && kernelOf(int(fd)) != linux { // gVisor's goes on after a part, on a stream
			hdrs = hdrs[:1]
		}
		n, err := sendmmsg(int(fd), hdrs, b.end.wait|rawmsg.MSG_NOSIGNAL)
		if err != nil {
			b.err = err
			if err != syscall.EAGAIN || !b.end.waits(0) {
				return true
			}
			if b.part > 0 {
				b.end.hold()
			}
			return false
		}
		for range n {
			b.advance()
		}
	}
	b.err = nil
	return true
}

// advance notes what has been sent of the first message that is not complete. If
// some of it is missing, the socket is a stream, and all descriptors have been sent.
func (b *BatchSender) advance() {
	h, out := &b.hdrs[b.done], &b.msgs[b.done]
	b.part += int(h.Len)
	if b.part >= out.payloadLen() {
		b.done++
		b.part = 0
		return
	}
	setPieces(&h.Hdr, appendIovecs(nil, b.part, out.Payload, out.More))
	h.Hdr.Controllen = uintptr(out.credentialsLen())
}
