package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

var (
	tableCounts = []int{1, 8, 64, 253}
	slopeCounts = []int{1, 2, 4, 8, 16, 32, 64, 96, 128, 160, 192, 224, 253}
	slopeRows   = []string{floorSingle, "C-recvmsg-threads", "Receiver-bare", "Receiver-conn", "standard"}
	orders      = []string{"recv", "both", "send"}
)

// trafficTime ends the rounds early where the machine is slow, or busy with
// other things, so that all of it takes less than five minutes.
const trafficTime = 80 * time.Second

// cell names what was measured: a row, an order or "close", a number of
// descriptors.
type cell struct {
	row   string
	order string
	nfds  int
}

// samples are what the rounds brought.
type samples struct {
	took, allocs, bytes map[cell][]float64
}

func newSamples() *samples {
	return &samples{map[cell][]float64{}, map[cell][]float64{}, map[cell][]float64{}}
}

func (s *samples) add(c cell, took, allocs, bytes float64) {
	s.took[c] = append(s.took[c], took)
	s.allocs[c] = append(s.allocs[c], allocs)
	s.bytes[c] = append(s.bytes[c], bytes)
}

// ns returns the 10th percentile of a cell, and whether there is one: what disturbs a
// measurement only ever adds to it.
func (s *samples) ns(c cell) (float64, bool) {
	if len(s.took[c]) == 0 {
		return 0, false
	}
	return tenth(s.took[c]), true
}

// tenth returns the 10th percentile.
func tenth(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/10]
}

// ratio returns one cell over another.
func (s *samples) ratio(c, floor cell) (float64, bool) {
	a, ok := s.ns(c)
	b, okFloor := s.ns(floor)
	return a / b, ok && okFloor && b > 0
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// measureTraffic interleaves everything that goes over sockets: in each round
// every order for every number of descriptors goes to every row, one after the
// other, and each round begins with another row.
func measureTraffic(s *settings, r *results) error {
	limit, err := raiseLimit()
	if err != nil {
		return err
	}
	fds, err := openNull(253)
	if err != nil {
		return err
	}
	defer closeAll(fds)
	r.traffic = newSamples()
	processes := map[string]*process{}
	for _, row := range rows {
		if processes[row.key], err = row.start(s); err != nil {
			return fmt.Errorf("%s: %w", row.key, err)
		}
	}
	warmUp := newSamples()
	start := time.Now()
	for round := range s.rounds + 2 {
		if round > 10 && time.Since(start) > trafficTime {
			break
		}
		into := r.traffic
		if round < 2 {
			into = warmUp
		}
		order := slices.Concat(rows[round%len(rows):], rows[:round%len(rows)])
		if err := oneRound(into, order, processes, fds, limit); err != nil {
			return err
		}
	}
	for key, p := range processes {
		if err := p.stop(); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func oneRound(into *samples, rows []*row, processes map[string]*process, fds []int, limit int) error {
	for _, order := range orders {
		for _, nfds := range slopeCounts {
			for _, row := range rows {
				messages := messagesOf(nfds, limit)
				if !row.wants(order, nfds, messages) {
					continue
				}
				a, err := processes[row.key].order(order, fds[:nfds], messages)
				if err != nil {
					return fmt.Errorf("%s %s %d: %w", row.key, order, nfds, err)
				}
				into.add(cell{row.key, order, nfds}, a.took, a.allocs, a.bytes)
				if order == "recv" {
					into.add(cell{row.key, "close", nfds}, a.closing, 0, 0)
				}
			}
		}
	}
	return nil
}

// wants reports whether a row takes part in something.
func (r *row) wants(order string, nfds, messages int) bool {
	switch {
	case order == "send" && r.recvs, r.batch && messages < batchSize:
		return false
	case slices.Contains(tableCounts, nfds):
		return true
	}
	return order == "recv" && slices.Contains(slopeRows, r.key)
}

// messagesOf returns how many messages are in the queue at once: what a socket's
// buffer and a descriptor table have room for.
func messagesOf(nfds, limit int) int {
	n := 4 * batchSize
	if nfds > 8 {
		n = batchSize
	}
	if most := (limit - 1000) / nfds; most < n {
		n = most
	}
	if n > batchSize {
		n -= n % batchSize
	}
	return n
}

// raiseLimit raises the limit on descriptors, for the children as well, and
// returns it.
func raiseLimit() (int, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	limit := int(min(l.Max, maxKept))
	if limit < 2000 {
		return 0, fmt.Errorf("a limit of %d descriptors is too low: ulimit -Hn", limit)
	}
	if limit < 1000+batchSize*253 {
		fmt.Fprintf(os.Stderr,
			"bench: at most %d descriptors (ulimit -Hn): fewer messages at once, and no large batches\n", limit)
	}
	return limit, nil
}
