//go:build linux

package ledger

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"example.com/fdpass"
)

// parcel is a message with its descriptors.
type parcel struct {
	p   []byte
	fds []int
}

type sendFunc func(parcels []parcel) error

type senderWay struct {
	way
	batch int // how many messages it takes at once, 0 for one
	make  func(c *net.UnixConn, rng *rand.Rand) (sendFunc, error)
}

var senderNames = slices.Sorted(maps.Keys(senders))

var senders = map[string]senderWay{
	"SendFDs": {way: way{bare: true}, make: single(func(c *net.UnixConn, p parcel) error {
		return withFD(c, func(fd int) error { return fdpass.SendFDs(fd, p.fds...) })
	})},
	"Send": {way: way{bare: true}, make: single(func(c *net.UnixConn, p parcel) error {
		return withFiles(p, func(files []*os.File) error { return fdpass.Send(c, files...) })
	})},
	"SendMsg": {make: single(func(c *net.UnixConn, p parcel) error {
		return withFiles(p, func(files []*os.File) error {
			_, err := fdpass.SendMsg(c, p.p, files...)
			return err
		})
	})},
	"SendMsgFDs": {make: single(func(c *net.UnixConn, p parcel) error {
		_, err := fdpass.SendMsgFDs(c, p.p, p.fds...)
		return err
	})},
	"Sender":  {make: makeSender},
	"Stream":  {way: way{stream: 1}, make: makeStreamSender},
	"Batches": {batch: 5, make: makeBatchSender},
}

func single(send func(c *net.UnixConn, p parcel) error) func(*net.UnixConn, *rand.Rand) (sendFunc, error) {
	return func(c *net.UnixConn, _ *rand.Rand) (sendFunc, error) {
		return func(parcels []parcel) error {
			_, err := retry(func() (int, error) { return 0, send(c, parcels[0]) })
			return err
		}, nil
	}
}

// withFD calls f with the descriptor of a connection, made blocking: f waits in
// the kernel.
func withFD(c *net.UnixConn, f func(fd int) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) {
		if err = syscall.SetNonblock(int(fd), false); err == nil {
			err = f(int(fd))
		}
	})
	return errors.Join(cerr, err)
}

// withFiles calls f with files of duplicates of the descriptors.
func withFiles(p parcel, f func(files []*os.File) error) error {
	var files []*os.File
	for _, fd := range p.fds {
		dup, err := retry(func() (int, error) { return syscall.Dup(fd) })
		if err != nil {
			return err
		}
		syscall.CloseOnExec(dup)
		files = append(files, os.NewFile(uintptr(dup), "numbered"))
	}
	err := f(files)
	for _, file := range files {
		err = errors.Join(err, file.Close())
	}
	return err
}

// makeSender uses the methods of a Sender by turns.
func makeSender(c *net.UnixConn, rng *rand.Rand) (sendFunc, error) {
	s, err := fdpass.NewSender(c)
	if err != nil {
		return nil, err
	}
	return func(parcels []parcel) error {
		p := parcels[0]
		for {
			out := &fdpass.Outgoing{Payload: p.p, FDs: p.fds}
			if k := len(p.p) / 2; rng.IntN(4) == 0 {
				out.Payload, out.More = p.p[:k], [][]byte{nil, p.p[k:]}
			}
			n, err := sendSomehow(s, out, rng)
			if n > 0 && err != nil { // on a stream the descriptors are gone
				p = parcel{p: p.p[n:]}
			}
			if !mayRetry(err) {
				return err
			}
			time.Sleep(time.Duration(rng.IntN(50)) * time.Microsecond)
		}
	}, nil
}

func sendSomehow(s *fdpass.Sender, out *fdpass.Outgoing, rng *rand.Rand) (int, error) {
	switch rng.IntN(4) {
	case 0:
		return s.TrySend(out)
	case 1:
		ctx, cancel := hasty(rng)
		defer cancel()
		return s.SendMessageContext(ctx, out)
	case 2:
		out.Credentials = &fdpass.Credentials{
			PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
		}
	}
	return s.SendMessage(out)
}

// hasty returns a context that is done in a moment, or already.
func hasty(rng *rand.Rand) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(rng.IntN(300))*time.Microsecond)
}

// mayRetry reports whether an error is one after which the same call may succeed.
func mayRetry(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.EAGAIN) ||
		errors.Is(err, syscall.ETOOMANYREFS)
}

func makeStreamSender(c *net.UnixConn, _ *rand.Rand) (sendFunc, error) {
	s, err := fdpass.NewStream(c, fdpass.StreamOptions{})
	if err != nil {
		return nil, err
	}
	return func(parcels []parcel) error {
		_, err := retry(func() (int, error) { return s.Send(parcels[0].p, parcels[0].fds...) })
		return err
	}, nil
}

func makeBatchSender(c *net.UnixConn, _ *rand.Rand) (sendFunc, error) {
	b, err := fdpass.NewBatchSender(c)
	if err != nil {
		return nil, err
	}
	return func(parcels []parcel) error {
		var out []fdpass.Outgoing
		for _, p := range parcels {
			out = append(out, fdpass.Outgoing{Payload: p.p, FDs: p.fds})
		}
		_, err := retry(func() (int, error) {
			n, _, err := b.Send(out)
			out = out[n:]
			return n, err
		})
		return err
	}, nil
}
