package fdpass

import (
	"os"
	"slices"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// BatchSender sends many messages with as few system calls as the kernel
// allows, sendmmsg(2), again and again, without allocating in the steady state.
// It does not own the connection and is not safe for concurrent use.
type BatchSender struct {
	end  endpoint
	hdrs []rawmsg.Mmsghdr
	iovs []rawmsg.Iovec
	mem  []byte // control messages and addresses, one after the other

	// The call that is on.
	msgs []Outgoing
	done int // messages that have gone
	part int // bytes of the next one that have gone
	err  error
	try  func(fd uintptr) bool
}

// NewBatchSender makes a BatchSender. Errors are those of [NewReceiver].
func NewBatchSender(conn syscall.Conn) (*BatchSender, error) {
	end, err := open(conn)
	if err != nil {
		return nil, err
	}
	b := &BatchSender{end: end}
	b.try = b.push
	return b, nil
}

// Send sends messages in their order and returns how many have gone as a whole.
// It waits until all have, or until one fails: that is msgs[n], and on a stream
// part of its bytes may have gone, and with the first of them its descriptors.
//
// Errors are those of [Sender.SendMessage]. A message that could not be sent at
// all ([ErrTooManyFDs], [ErrNoPayload]) keeps the whole batch back.
func (b *BatchSender) Send(msgs []Outgoing) (n, part int, err error) {
	if err := b.prepare(msgs); err != nil {
		return 0, 0, err
	}
	err = b.end.write(b.try)
	if err == nil {
		err = os.NewSyscallError("sendmmsg", b.err)
	}
	b.msgs = nil
	return b.done, b.part, err
}

// prepare checks all messages and fills in their headers.
func (b *BatchSender) prepare(msgs []Outgoing) (err error) {
	size := 0
	for i := range msgs {
		if err := msgs[i].check(&b.end); err != nil {
			return err
		}
		size += msgs[i].controlLen() + sockaddrLen
	}
	b.hdrs = slices.Grow(b.hdrs[:0], len(msgs))[:len(msgs)]
	b.iovs = slices.Grow(b.iovs[:0], len(msgs))[:len(msgs)]
	mem := slices.Grow(b.mem[:0], size) // so that it stays in its place below
	b.mem = mem
	for i := range msgs {
		control := msgs[i].appendControl(mem)[len(mem):]
		mem = mem[:len(mem)+len(control)]
		name, err := msgs[i].appendName(mem)
		if err != nil {
			return err
		}
		name = name[len(mem):]
		mem = mem[:len(mem)+len(name)]
		arm(&b.hdrs[i].Hdr, &b.iovs[i], msgs[i].Payload, control, name)
	}
	b.msgs, b.done, b.part, b.err = msgs, 0, 0, nil
	return nil
}

// push makes the system call until every message has gone. The kernel stops at
// one that fails or that it takes in part, and tells of an error only if it was
// the first: the next turn of the loop makes it so.
func (b *BatchSender) push(fd uintptr) (done bool) {
	for b.done < len(b.msgs) {
		n, err := rawmsg.Sendmmsg(int(fd), b.hdrs[b.done:], b.end.wait|msgNosignal)
		if err != nil {
			b.err = err
			return !b.end.again(err)
		}
		b.err = nil
		for range n {
			b.advance()
		}
	}
	return true
}

// advance takes note of what has gone of the first message that is left. If that
// is not all of it, it is a stream, and the descriptors have gone.
func (b *BatchSender) advance() {
	h, out := &b.hdrs[b.done], &b.msgs[b.done]
	b.part += int(h.Len)
	if b.part < len(out.Payload) {
		armRest(&h.Hdr, &b.iovs[b.done], out.Payload[b.part:], out.credentialsLen())
		return
	}
	b.done++
	b.part = 0
}
