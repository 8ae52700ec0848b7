package shortcircuit

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// answer is what a client reads after its request to read a block: the answer,
// and packets of the block's bytes. They come from the block's file until that
// fails, and then by TCP, from the byte that was reached. The packets have no
// checksums, since everything has been verified by then.
type answer struct {
	req *readBlock
	via via

	started bool
	over    bool
	err     error  // for good
	out     []byte // of the framing, to be handed out first
	done    int64  // bytes of the block that were handed out
	packet  int    // bytes of the packet that are still to be handed out
	seq     int64

	replica *Replica
	tcp     *tcpBlock
	counts  *counters
}

// via is how an answer gets at a block.
type via interface {
	// open returns a replica from a file.
	open(*readBlock) (*Replica, error)
	// dialTCP connects to the DataNode. The connection stays via's.
	dialTCP() (net.Conn, error)
}

// packetSize is how much of a block is in a packet. It says only how often a
// header comes: the bytes go from the file to the reader's buffer.
const packetSize = 1 << 20

// Read returns the next bytes.
func (a *answer) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case len(a.out) > 0:
			n = copy(p, a.out)
			a.out = a.out[n:]
			return n, nil
		case a.err != nil:
			return 0, a.err
		case a.over:
			return 0, io.EOF
		case !a.started:
			err = a.start()
		case a.packet > 0:
			n, err = a.data(p[:min(len(p), a.packet)])
			a.packet -= n
			a.done += int64(n)
		default:
			a.next()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// start gets a source, and with it the answer.
func (a *answer) start() error {
	r, err := a.via.open(a.req)
	if err == nil && a.req.off+a.req.length > r.Len() {
		r.Close()
		err = ErrLength
	}
	if err == nil {
		a.replica = r
	} else if err := a.fallBack(err); err != nil {
		var reply *ReplyError
		if errors.As(err, &reply) { // the client shall see what the DataNode says
			a.out, a.over = appendMessage(nil, reply.raw), true
			return nil
		}
		return err
	}
	a.started = true
	a.out = appendSuccess(nil, a.chunk(), a.req.off)
	return nil
}

func (a *answer) chunk() int {
	if a.replica != nil {
		return a.replica.shared.sums.chunk
	}
	return a.tcp.sums.chunk
}

// fallBack continues by TCP.
func (a *answer) fallBack(because error) error {
	if errors.Is(because, net.ErrClosed) || errors.Is(because, os.ErrDeadlineExceeded) {
		return because // by the client's own doing
	}
	a.close()
	a.counts.fellBack(reasonFor(because))
	c, err := a.via.dialTCP()
	if err != nil {
		return err
	}
	a.tcp, err = openTCP(c, a.req, a.done)
	return err
}

// data reads bytes of the block.
func (a *answer) data(p []byte) (n int, err error) {
	if a.replica != nil {
		n, err = a.replica.ReadAt(p, a.req.off+a.done)
		if n > 0 || err == nil {
			return n, nil // the error comes again
		}
		if errors.Is(err, os.ErrClosed) {
			return 0, net.ErrClosed
		}
		if err = a.fallBack(err); err != nil {
			a.err = err
			return 0, err
		}
	}
	n, err = a.tcp.Read(p)
	a.counts.tcp.Add(int64(n))
	return n, noEOF(err)
}

// next begins a packet. The last one is empty.
func (a *answer) next() {
	left := a.req.length - a.done
	a.packet = int(min(left, packetSize))
	a.over = left == 0
	a.out = appendPacket(nil, packet{off: a.req.off + a.done, seq: a.seq, last: a.over, size: a.packet})
	a.seq++
	if a.over {
		a.close()
	}
}

// close gives the replica back. It does not wait for the client, since some clients do
// not close their connection after an error.
func (a *answer) close() {
	if a.replica != nil {
		a.replica.Close()
		a.replica = nil
	}
}

// withDeadline returns ctx with a deadline, if there is one.
func withDeadline(ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	if deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline)
}
