//go:build linux

package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// sendAll is the second process: it sends the messages of the jobs that come on
// descriptor 3, each with the connection to send them over.
func sendAll([]string) error {
	control, err := fdpass.NewUnixConn(3)
	if err != nil {
		return err
	}
	before, err := openDescriptors()
	if err != nil {
		return err
	}
	stop := signals()
	var group sync.WaitGroup
	var failed sync.Map
	for p := make([]byte, 4096); ; {
		n, files, err := fdpass.RecvExactly(control, p, 1)
		if err == io.EOF {
			break
		}
		var j job
		if err == nil {
			err = json.Unmarshal(p[:n], &j)
		}
		if err != nil {
			return err
		}
		fdtest.Go(&group, func() {
			if err := send(j, files[0]); err != nil {
				failed.Store(fmt.Sprintf("%+v", j), err)
			}
		})
	}
	group.Wait()
	stop()
	failed.Range(func(j, jerr any) bool {
		err = errors.Join(err, fmt.Errorf("job %v: %w", j, jerr.(error)))
		return true
	})
	after, cerr := openDescriptors()
	if cerr == nil && after != before {
		cerr = fmt.Errorf("the sender had %d descriptors and has %d", before, after)
	}
	return errors.Join(err, cerr)
}

// openDescriptors returns how many descriptors this process has open.
func openDescriptors() (int, error) {
	names, err := os.ReadDir("/proc/self/fd")
	return len(names), err
}

// send sends the messages of a job.
func send(j job, f *os.File) error {
	c, err := net.FileConn(f)
	if f.Close(); err != nil {
		return err
	}
	defer c.Close()
	rng := rand.New(rand.NewPCG(j.Seed, 2))
	do, err := senders[j.Send].make(c.(*net.UnixConn), rng)
	if err != nil {
		return gone(err)
	}
	most := max(1, senders[j.Send].batch)
	for msgs := j.messages(); len(msgs) > 0; {
		n := min(len(msgs), 1+rng.IntN(most))
		if err := sendSome(&j, do, msgs[:n]); err != nil {
			return gone(err)
		}
		msgs = msgs[n:]
	}
	return nil
}

// gone returns nil for the errors that mean that the receiver has gone.
func gone(err error) error {
	for _, end := range []error{syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ENOTCONN} {
		if errors.Is(err, end) {
			return nil
		}
	}
	return err
}

// sendSome makes the descriptors of a few messages, sends them and closes them.
func sendSome(j *job, do sendFunc, msgs []message) (err error) {
	var parcels []parcel
	defer func() {
		for _, p := range parcels {
			err = errors.Join(err, fdpass.CloseFDs(p.fds))
		}
	}()
	for i := range msgs {
		parcels = append(parcels, parcel{p: msgs[i].payload(j)})
		for k := range msgs[i].fds {
			fd, err := numbered(msgs[i].first + int64(k))
			if err != nil {
				return err
			}
			parcels[i].fds = append(parcels[i].fds, fd)
		}
	}
	return do(parcels)
}

// numbered makes a descriptor with a number.
func numbered(n int64) (int, error) {
	fd, err := retry(func() (int, error) { return rawmsg.MemfdCreate("numbered", mfdCloexec) })
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	if err := syscall.Ftruncate(fd, n); err != nil {
		syscall.Close(fd)
		return -1, fmt.Errorf("ftruncate to %d: %w", n, err)
	}
	return fd, nil
}

const mfdCloexec = 1 // include/uapi/linux/memfd.h

// retry calls f until the descriptor table has a place, and not too many descriptors
// are under way. Without privilege, a user may have no more of these than the limit of
// the table is.
func retry[T any](f func() (T, error)) (v T, err error) {
	for {
		if v, err = f(); !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ETOOMANYREFS) {
			return v, err
		}
		time.Sleep(100 * time.Microsecond)
	}
}
