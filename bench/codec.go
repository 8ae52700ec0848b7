package main

import (
	"fmt"
	"math"
	"runtime"
	"syscall"
	"time"

	"example.com/fdpass"
	"golang.org/x/sys/unix"
)

// codecCalls is how many calls are timed together, and codecRounds how often.
const (
	codecCalls  = 100
	codecRounds = 2000
)

// codecRow is a way to read and write a control buffer, without any socket. Its
// functions work on one message of n descriptors.
type codecRow struct {
	key, name     string
	parse, append func(n int) func() error
}

var codecRows = []codecRow{
	{"fdpass", "fdpass: `ParseControls`, `Rights`; `AppendRights`", ourParse, ourAppend},
	{"syscall", "syscall: `ParseSocketControlMessage`, `ParseUnixRights`; `UnixRights`",
		syscallParse, syscallAppend},
	{"xsys", "x/sys/unix: the same", xsysParse, xsysAppend},
}

// numbers returns n numbers of descriptors, none of which is used as one.
func numbers(n int) []int {
	fds := make([]int, n)
	for i := range fds {
		fds[i] = 1000 + i
	}
	return fds
}

func ourParse(n int) func() error {
	b, fds := fdpass.AppendRights(nil, numbers(n)...), make([]int, 0, n)
	return func() error {
		fds = fds[:0]
		for c, err := range fdpass.ParseControls(b) {
			if err != nil {
				return err
			}
			if fds, err = c.Rights(fds); err != nil {
				return err
			}
		}
		return expect(len(fds), n)
	}
}

func ourAppend(n int) func() error {
	fds, b := numbers(n), make([]byte, 0, fdpass.CmsgSpace(4*n))
	return func() error {
		b = fdpass.AppendRights(b[:0], fds...)
		return nil
	}
}

func syscallParse(n int) func() error {
	b := syscall.UnixRights(numbers(n)...)
	return func() error {
		msgs, err := syscall.ParseSocketControlMessage(b)
		if err != nil {
			return err
		}
		fds, err := syscall.ParseUnixRights(&msgs[0])
		if err != nil {
			return err
		}
		return expect(len(fds), n)
	}
}

func xsysParse(n int) func() error {
	b := unix.UnixRights(numbers(n)...)
	return func() error {
		msgs, err := unix.ParseSocketControlMessage(b)
		if err != nil {
			return err
		}
		fds, err := unix.ParseUnixRights(&msgs[0])
		if err != nil {
			return err
		}
		return expect(len(fds), n)
	}
}

// sink keeps the compiler from leaving the work out.
var sink []byte

func syscallAppend(n int) func() error {
	fds := numbers(n)
	return func() error { sink = syscall.UnixRights(fds...); return nil }
}

func xsysAppend(n int) func() error {
	fds := numbers(n)
	return func() error { sink = unix.UnixRights(fds...); return nil }
}

// measureCodec has the rows take turns, in many short rounds.
func measureCodec(s *settings, r *results) error {
	r.codec = newSamples()
	for _, nfds := range tableCounts {
		for _, order := range []string{"parse", "append"} {
			calls := map[string]func() error{}
			for _, row := range codecRows {
				orders := map[string]func(int) func() error{"parse": row.parse, "append": row.append}
				calls[row.key] = orders[order](nfds)
			}
			for range codecRounds {
				for _, row := range codecRows {
					if err := r.codec.time(cell{row.key, order, nfds}, calls[row.key]); err != nil {
						return fmt.Errorf("%s %s: %w", row.key, order, err)
					}
				}
			}
			for _, row := range codecRows {
				r.codec.allocs[cell{row.key, order, nfds}] = []float64{allocations(calls[row.key])}
			}
		}
	}
	return nil
}

// time makes one measurement of f, after a few calls that are not timed.
func (s *samples) time(c cell, f func() error) error {
	for range 3 {
		if err := f(); err != nil {
			return err
		}
	}
	start := time.Now()
	for range codecCalls {
		if err := f(); err != nil {
			return err
		}
	}
	s.took[c] = append(s.took[c], float64(time.Since(start).Nanoseconds())/codecCalls)
	return nil
}

// allocations returns how many there are in a call of f.
func allocations(f func() error) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range codecCalls {
		f()
	}
	runtime.ReadMemStats(&after)
	return math.Round(float64(after.Mallocs-before.Mallocs) / codecCalls)
}
