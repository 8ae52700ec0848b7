package shortcircuit

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"example.com/fdpass"
)

// Stats count what a [Client] or a [Dialer] has done since it was made. Bytes are
// those of blocks that were handed to the reader.
type Stats struct {
	ShortCircuitBytes int64 // read from the files of blocks
	TCPBytes          int64 // read by TCP from a DataNode on this machine, after a fallback

	Fallbacks map[Reason]int64 // how often a Dialer fell back to TCP, and why

	// Passed is how many connections a Dialer passed through to TCP, because they
	// do not read a block or do not go to this machine.
	Passed int64

	CacheHits, CacheMisses int64
	Evicted                int64 // replicas that the cache closed to make room for others
	Expired                int64 // replicas that it closed because nobody used them
	Invalidated            int64 // because the block was deleted, the DataNode ended, or a checksum was wrong

	Dialled, Reused int64 // connections to DataNodes' sockets
	Segments        int64 // of shared memory, in all
	SlotsReleased   int64
	SlotsLost       int64 // of which it is unknown whether the DataNode uses them; they are not used again
}

// Reason is why a read fell back to TCP.
type Reason string

// The reasons for a fallback.
const (
	ReasonSocket      Reason = "socket"      // no socket, or nobody listens on it
	ReasonTimeout     Reason = "timeout"     // the socket does not answer
	ReasonLeftAlone   Reason = "left alone"  // the socket gave no answer a short time ago
	ReasonRefused     Reason = "refused"     // the DataNode refused, other than for the token
	ReasonToken       Reason = "token"       // the DataNode refused the token
	ReasonLength      Reason = "length"      // the block has grown or is being written
	ReasonChecksum    Reason = "checksum"    // a chunk or the meta file is damaged
	ReasonDescriptors Reason = "descriptors" // the table of descriptors is full
	ReasonOther       Reason = "other"
)

var reasons = []Reason{ReasonSocket, ReasonTimeout, ReasonLeftAlone, ReasonRefused, ReasonToken,
	ReasonLength, ReasonChecksum, ReasonDescriptors, ReasonOther}

// reasonFor sorts an error.
func reasonFor(err error) Reason {
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	var reply *ReplyError
	var local *localError
	var dialling *net.OpError
	switch {
	case errors.As(err, &local):
		return reasonFor(local.err)
	case is(errLeftAlone):
		return ReasonLeftAlone
	case is(StatusErrorAccessToken):
		return ReasonToken
	case errors.As(err, &reply):
		return ReasonRefused
	case is(ErrLength):
		return ReasonLength
	case is(ErrChecksum, ErrMeta):
		return ReasonChecksum
	case is(syscall.EMFILE, syscall.ENFILE, fdpass.ErrTruncated):
		return ReasonDescriptors
	case is(context.DeadlineExceeded, os.ErrDeadlineExceeded):
		return ReasonTimeout
	case errors.As(err, &dialling) || gone(err):
		return ReasonSocket
	}
	return ReasonOther
}

// counters are Stats while they are counted.
type counters struct {
	local, tcp, passed                               atomic.Int64
	hits, misses, evicted, expired, invalidated      atomic.Int64
	dialled, reused, segments, slotsFreed, slotsLost atomic.Int64
	fallbacks                                        [9]atomic.Int64 // as in reasons
}

func (c *counters) fellBack(r Reason) {
	for i := range reasons {
		if reasons[i] == r {
			c.fallbacks[i].Add(1)
		}
	}
}

func (c *counters) stats() Stats {
	s := Stats{
		ShortCircuitBytes: c.local.Load(),
		TCPBytes:          c.tcp.Load(),
		Passed:            c.passed.Load(),
		CacheHits:         c.hits.Load(),
		CacheMisses:       c.misses.Load(),
		Evicted:           c.evicted.Load(),
		Expired:           c.expired.Load(),
		Invalidated:       c.invalidated.Load(),
		Dialled:           c.dialled.Load(),
		Reused:            c.reused.Load(),
		Segments:          c.segments.Load(),
		SlotsReleased:     c.slotsFreed.Load(),
		SlotsLost:         c.slotsLost.Load(),
		Fallbacks:         map[Reason]int64{},
	}
	for i, r := range reasons {
		if n := c.fallbacks[i].Load(); n > 0 {
			s.Fallbacks[r] = n
		}
	}
	return s
}
