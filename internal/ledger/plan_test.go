//go:build linux

package ledger

import "math/rand/v2"

// job is one connection: who sends and receives over it, and how. Both processes
// know from it what each message is, so that no message has to say so.
type job struct {
	ID       int64
	Seed     uint64
	Network  string // as in package net
	Send     string // a key of senders
	Receive  string // a key of receivers
	Raw      bool   // the receiver has a bare descriptor
	Max      int    // descriptors that the receiver allows in a message
	Messages int
	Break    int // after so many messages the receiver closes the connection
}

// bits of a number that say which descriptor of a job it is
const indexBits = 24

// message is one message of a job.
type message struct {
	size   int   // bytes of payload
	first  int64 // number of its first descriptor
	fds    int   // how many
	number int
}

// messages returns those of the job.
func (j *job) messages() []message {
	rng := rand.New(rand.NewPCG(j.Seed, 1))
	next := j.ID << indexBits
	msgs := make([]message, j.Messages)
	for i := range msgs {
		m := message{number: i, first: next, size: 1 + rng.IntN(64), fds: j.descriptors(rng)}
		switch {
		case senders[j.Send].bare || receivers[j.Receive].bare:
			m.size = 1
		case rng.IntN(32) == 0:
			m.size = 1 + rng.IntN(maxPayload)
		}
		next += int64(m.fds)
		msgs[i] = m
	}
	return msgs
}

// maxPayload is so long that a stream takes it in parts.
const maxPayload = 100_000

// maxDatagram is the longest payload of a socket that is not a stream.
const maxDatagram = 4096

func (j *job) descriptors(rng *rand.Rand) int {
	if receivers[j.Receive].one {
		return 1
	}
	switch rng.IntN(16) {
	case 0:
		return 253
	case 1:
		return rng.IntN(254)
	case 2, 3, 4:
		return 0
	}
	return 1 + rng.IntN(8)
}

// payload returns the payload of a message.
func (m *message) payload(j *job) []byte {
	p := make([]byte, m.length(j))
	for i := range p {
		p[i] = m.byteAt(i)
	}
	return p
}

// length returns the length of the payload over the job's type of socket.
func (m *message) length(j *job) int {
	if j.Network == "unix" {
		return m.size
	}
	return min(m.size, maxDatagram)
}

func (m *message) byteAt(i int) byte { return byte(m.number*7 + i) }

// newJob makes a job up.
func newJob(id int64, rng *rand.Rand) job {
	j := job{ID: id, Seed: rng.Uint64(), Raw: rng.IntN(3) == 0, Max: 253, Messages: 1 + rng.IntN(100)}
	j.Network = pick(rng, "unix", "unixgram", "unixpacket")
	for j.Send == "" || !senders[j.Send].on(j.Network) {
		j.Send = pick(rng, senderNames...)
	}
	for j.Receive == "" || !receivers[j.Receive].on(j.Network) || j.Raw && receivers[j.Receive].polled {
		j.Receive = pick(rng, receiverNames...)
	}
	if rng.IntN(4) == 0 && !receivers[j.Receive].one {
		j.Max = rng.IntN(200)
	}
	j.Break = j.Messages
	if rng.IntN(3) == 0 {
		j.Break = rng.IntN(j.Messages)
	}
	return j
}

func pick(rng *rand.Rand, of ...string) string { return of[rng.IntN(len(of))] }

// way is one way to send or to receive.
type way struct {
	bare   bool // the payload is one byte that nobody sees
	one    bool // for exactly one descriptor
	polled bool // only for a connection with deadlines
	stream int  // 1: only for streams, -1: only for others
}

func (w way) on(network string) bool {
	return w.stream == 0 || (w.stream == 1) == (network == "unix")
}
