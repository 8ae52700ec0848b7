//go:build linux

package model

import (
	"bytes"
	"fmt"
	"slices"
)

// sent is a message on its way.
type sent struct {
	payload []byte
	files   []int // what its descriptors are open on, by their place in the pool
	taken   bool  // the descriptors have been received, or dropped
	cred    bool  // the kernel took note of who sent it
}

// queue is the model of one direction of a connection.
type queue struct {
	stream bool
	msgs   []*sent
	read   int      // on a stream: bytes of the first message that have been read
	busy   *sending // the last of the messages are still being sent
}

// oneSkb is how long a message can be so that the kernel keeps it in one piece,
// even with the smallest buffer.
const oneSkb = 2048

// receive says what a receive with room for size bytes may have returned,
// given that it returned p: the message whose descriptors came, and whether the
// sender was known. It takes these bytes off the queue, unless it was a peek.
func (q *queue) receive(p []byte, size int, creds, peek bool) (m *sent, cred bool, err error) {
	if q.stream {
		return q.receiveStream(p, size, creds, peek)
	}
	m = q.msgs[0]
	if want := m.payload[:min(size, len(m.payload))]; !bytes.Equal(p, want) {
		return nil, false, fmt.Errorf("got %s, want %s", show(p), show(want))
	}
	if !peek {
		q.msgs = q.msgs[1:]
	}
	return m, m.cred, nil
}

func (q *queue) receiveStream(p []byte, size int, creds, peek bool) (with *sent, cred bool, err error) {
	most, with, at := q.reach(size, creds, peek)
	if len(p) == 0 || len(p) > most {
		return nil, false, fmt.Errorf("got %d bytes of at most %d", len(p), most)
	}
	if len(p) <= at && !peek {
		with = nil
	}
	if len(p) < most && q.busy == nil && (with == nil || len(with.payload) <= oneSkb) {
		return nil, false, fmt.Errorf("got %d bytes, want %d", len(p), most)
	}
	cred = q.msgs[0].cred
	msgs, read := slices.Clone(q.msgs), q.read
	for rest := p; len(rest) > 0; {
		want := msgs[0].payload[read:]
		n := min(len(rest), len(want))
		if !bytes.Equal(rest[:n], want[:n]) {
			return nil, false, fmt.Errorf("got %s, want %s", show(rest[:n]), show(want[:n]))
		}
		rest, read = rest[n:], read+n
		if read == len(msgs[0].payload) {
			msgs, read = msgs[1:], 0
		}
	}
	if !peek {
		q.msgs, q.read = msgs, read
	}
	return with, cred, nil
}

// reach returns how many bytes one read of a stream can return: it ends with a message
// that has descriptors, and where the sender's credentials change, if anybody
// wants to know them. With is that message, and at the place where it begins. A
// peek brings the next message's descriptors, even if it ends before it.
func (q *queue) reach(size int, creds, peek bool) (most int, with *sent, at int) {
	for i, m := range q.msgs {
		if with != nil || creds && m.cred != q.msgs[0].cred {
			break
		}
		if len(m.files) > 0 && !m.taken {
			with, at = m, most
		}
		most += len(m.payload)
		if i == 0 {
			most -= q.read
		}
		if most >= size && !peek {
			break
		}
	}
	return min(most, size), with, at
}

// cut makes a message that was sent in part that part.
func (q *queue) cut(m *sent, n int) error {
	i := slices.Index(q.msgs, m)
	if i < 0 || i == 0 && q.read > n {
		return fmt.Errorf("%d bytes of a message were sent, and more were received", n)
	}
	m.payload = m.payload[:n]
	if i == 0 && q.read == n {
		q.msgs, q.read = q.msgs[1:], 0
	}
	return nil
}

// drop takes out a message of which nothing was sent.
func (q *queue) drop(m *sent) error {
	i := slices.Index(q.msgs, m)
	if i < 0 || i == 0 && q.read > 0 {
		return fmt.Errorf("a message was not sent, and received all the same")
	}
	q.msgs = slices.Delete(q.msgs, i, i+1)
	return nil
}

// show returns some bytes in a few words.
func show(b []byte) string {
	if len(b) > 8 {
		return fmt.Sprintf("%x… (%d bytes)", b[:8], len(b))
	}
	return fmt.Sprintf("%x (%d bytes)", b, len(b))
}
