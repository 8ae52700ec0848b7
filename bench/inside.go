package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/bench/floor"
)

// The rows of this part run in one process, C's loops too, on one descriptor table:
// what differs is only what each row adds to the kernel's work. The process is
// started several times, since even the place of the code in memory moves the
// figures.

// insideStarts is how often the process is started.
const insideStarts = 3

// insideTime bounds the rounds of one start.
const insideTime = 30 * time.Second

// job does an order of child.go for so many messages.
type job func(order string, messages int) error

type insideRow struct {
	key, name, sending string
	batch              bool
	open               contender // nil for C
	orders             []string  // nil for all
}

var insideRows = []*insideRow{
	{key: "C", name: "C `recvmsg`, loop of close(2): the floor", sending: "C `sendmsg`: the floor"},
	{key: "C-batch", name: "C `recvmmsg`, 64, loop of close(2): the floor for batches",
		sending: "C `sendmmsg`, 64: the floor for batches", batch: true},
	{key: "Go", name: "Go: `rawmsg.RecvmsgOnce` and nothing else",
		sending: "Go: `rawmsg.SendmsgOnce` and nothing else", open: onBare(goFloor)},
	{key: "Go-conn", name: "Go: `RawConn.Read` with `rawmsg.RecvmsgOnce` and nothing else",
		sending: "Go: `RawConn.Write` with `rawmsg.SendmsgOnce` and nothing else", open: onConn(goConnFloor)},
	{key: "RecvFDs", name: "fdpass `RecvFDs`, bare descriptor",
		sending: "fdpass `SendFDs`, bare descriptor", open: onBare(recvFDs)},
	{key: "bare", name: "fdpass `Receiver`, bare descriptor", sending: "fdpass `Sender`, bare descriptor",
		open: onBare(bareReceiver)},
	{key: "conn", name: "fdpass `Receiver`, `net.UnixConn`", sending: "fdpass `Sender`, `net.UnixConn`",
		open: onConn(connReceiver)},
	{key: "batch-bare", name: "fdpass batch of 64, bare descriptor", batch: true, open: onBare(bareBatch)},
	{key: "batch-conn", name: "fdpass batch of 64, `net.UnixConn`", batch: true, open: onConn(connBatch)},
	{key: "standard", name: "standard library: `ReadMsgUnix` and syscall's parser",
		sending: "standard library: `WriteMsgUnix` and syscall's `UnixRights`", open: onConn(standard)},
	{key: "xsys", name: "golang.org/x/sys/unix, bare descriptor", open: onBare(xsys)},
	{key: "files", name: "fdpass `Receiver` and `TakeFiles`", open: onConn(takeFiles),
		orders: []string{"recv", "both"}},
	{key: "newfile", name: "fdpass `Receiver` and a loop of `os.NewFile`", open: onConn(newFiles),
		orders: []string{"recv", "both"}},
	{key: "lazy", name: "fdpass `Receiver` and one file of `TakeEachFile`", open: onConn(oneFile),
		orders: []string{"both"}},
}

// place is a row's socket in the process that all rows share.
type place struct {
	row  *insideRow
	far  *process // its sock and send are used
	sock int
	ways map[int]job
	make func(fds []int) (*way, error)
}

func newPlace(row *insideRow) (*place, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for _, fd := range pair {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1<<20); err != nil {
			return nil, err
		}
	}
	p := &place{row: row, far: &process{sock: pair[0]}, sock: pair[1], ways: map[int]job{}}
	if p.far.send, err = fdpass.NewBatchSender(fdpass.Socket(pair[0])); err != nil {
		return nil, err
	}
	if row.open != nil {
		p.make, err = row.open(pair[1])
	}
	return p, err
}

// job returns what the row does for messages of fds.
func (p *place) job(fds []int) (job, error) {
	if j := p.ways[len(fds)]; j != nil {
		return j, nil
	}
	j := p.floor(fds)
	if p.make != nil {
		w, err := p.make(fds)
		if err != nil {
			return nil, err
		}
		j = w.do
	}
	p.ways[len(fds)] = j
	return j, nil
}

func (p *place) floor(fds []int) job {
	return func(order string, messages int) error {
		switch order {
		case "send":
			floor.Send(p.sock, fds, messages, p.row.batch)
		case "close":
			floor.CloseKept()
		default:
			floor.Recv(p.sock, len(fds), messages, p.row.batch, order == "both")
		}
		return nil
	}
}

// do runs the job of a row in Go.
func (w *way) do(order string, messages int) error {
	f := map[string]func() error{"recv": w.recvKeep, "both": w.recvClose, "send": w.send}[order]
	if order == "close" {
		return w.closeKept()
	}
	for range messages / max(w.unit, 1) {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// measure times an order for so many messages, after a few that are not timed.
func (p *place) measure(order string, fds []int, messages int) (float64, error) {
	j, err := p.job(fds)
	if err != nil {
		return 0, err
	}
	warm := 8
	if p.row.batch {
		warm, messages = batchSize, batchSize
	}
	if order != "send" {
		if err := p.far.fill(fds, warm+messages); err != nil {
			return 0, err
		}
	}
	if err := j(order, warm); err != nil {
		return 0, err
	}
	if order == "recv" {
		if err := j("close", 0); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	err = j(order, messages)
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	switch order {
	case "recv":
		err = j("close", 0)
	case "send":
		err = p.far.empty(warm + messages)
	}
	return float64(took.Nanoseconds()) / float64(messages), err
}

// insideMessages returns how many messages of one size are timed together: so few that
// many of these times have no interruption in them.
func insideMessages(nfds int) int { return max(8, min(64, 512/nfds)) }

// inside is the role of the process that all rows share. It prints a line for each
// cell: row, order, descriptors, and the 10th, 50th and 90th of the percentiles.
// The arguments are the number of rounds and, if not all, the keys of rows and the
// orders to measure.
func inside(args []string) error {
	rounds, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if _, err := raiseLimit(); err != nil {
		return err
	}
	fds, err := openNull(253)
	if err != nil {
		return err
	}
	var places []*place
	for _, row := range insideRows {
		if len(args) > 1 && !slices.Contains(args[1:], row.key) {
			continue
		}
		p, err := newPlace(row)
		if err != nil {
			return fmt.Errorf("%s: %w", row.key, err)
		}
		places = append(places, p)
	}
	all := newSamples()
	start := time.Now()
	for round := range rounds {
		if round > 20 && time.Since(start) > insideTime {
			break
		}
		if err := insideRound(all, round, places, fds); err != nil {
			return err
		}
	}
	for _, c := range all.cells() {
		v := slices.Sorted(slices.Values(all.took[c]))
		fmt.Println(c.row, c.order, c.nfds, v[len(v)/10], v[len(v)/2], v[len(v)*9/10])
	}
	return nil
}

func insideRound(into *samples, round int, places []*place, fds []int) error {
	for _, order := range orders {
		for _, nfds := range tableCounts {
			for i := range places {
				p := places[(i+round)%len(places)]
				if p.row.orders != nil && !slices.Contains(p.row.orders, order) {
					continue
				}
				ns, err := p.measure(order, fds[:nfds], insideMessages(nfds))
				if err != nil {
					return fmt.Errorf("%s %s %d: %w", p.row.key, order, nfds, err)
				}
				into.add(cell{p.row.key, order, nfds}, ns, 0, 0)
			}
		}
	}
	return nil
}

// percentiles are those of one cell in one start of the process.
type percentiles struct{ p10, p50, p90 float64 }

func measureInside(s *settings, r *results) error {
	r.inside = map[cell][]percentiles{}
	for range insideStarts {
		cmd := exec.Command("/proc/self/exe", "inside", strconv.Itoa(5*s.rounds))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return err
		}
		for in := bufio.NewScanner(bytes.NewReader(out)); in.Scan(); {
			var c cell
			var p percentiles
			if _, err := fmt.Sscan(in.Text(), &c.row, &c.order, &c.nfds, &p.p10, &p.p50, &p.p90); err != nil {
				return fmt.Errorf("%w: %q", err, in.Text())
			}
			r.inside[c] = append(r.inside[c], p)
		}
	}
	return nil
}

// spread is what the starts of the process found.
type spread struct{ median, least, most float64 }

func spreadOf(v []float64) spread {
	if len(v) == 0 {
		return spread{}
	}
	return spread{median(v), slices.Min(v), slices.Max(v)}
}

// insideNs returns the time of a cell.
func (r *results) insideNs(c cell) float64 {
	var v []float64
	for _, p := range r.inside[c] {
		v = append(v, p.p10)
	}
	return spreadOf(v).median
}

// insideRatio returns the ratio of two cells.
func (r *results) insideRatio(c, floor cell) spread {
	var v []float64
	for i := range min(len(r.inside[c]), len(r.inside[floor])) {
		v = append(v, r.inside[c][i].p10/r.inside[floor][i].p10)
	}
	return spreadOf(v)
}
