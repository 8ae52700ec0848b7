package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"example.com/fdpass"
	"golang.org/x/sys/unix"
)

// codecCalls is how many calls make one measurement.
const codecCalls = 500

// codecRow is a way to read and write a control buffer, without any socket. Its
// functions work on one message of n descriptors.
type codecRow struct {
	key, name     string
	parse, append func(n int) func() error
}

var codecRows = []codecRow{
	{"fdpass", "fdpass: `ParseControls`, `Rights`; `AppendRights`", ourParse, ourAppend},
	{"syscall", "syscall: `ParseSocketControlMessage`, `ParseUnixRights`; `UnixRights`", syscallParse, syscallAppend},
	{"xsys", "x/sys/unix: the same", xsysParse, xsysAppend},
}

// numbers are n numbers of descriptors, none of which is used as one.
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

func measureCodec(s *settings, r *results) error {
	r.codec = newSamples()
	for _, nfds := range tableCounts {
		for _, row := range codecRows {
			for order, f := range map[string]func() error{"parse": row.parse(nfds), "append": row.append(nfds)} {
				for range 2 * s.rounds {
					if err := r.codec.time(cell{row.key, order, nfds}, f); err != nil {
						return fmt.Errorf("%s %s: %w", row.key, order, err)
					}
				}
			}
		}
	}
	return nil
}

// time makes one measurement of f.
func (s *samples) time(c cell, f func() error) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range codecCalls {
		if err := f(); err != nil {
			return err
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	s.add(c, float64(took.Nanoseconds())/codecCalls,
		float64(after.Mallocs-before.Mallocs)/codecCalls, float64(after.TotalAlloc-before.TotalAlloc)/codecCalls)
	return nil
}
