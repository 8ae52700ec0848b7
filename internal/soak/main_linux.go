// Soak passes millions of descriptors between two processes, there and back over
// many connections at once, and fails if afterwards either process has other
// descriptors, goroutines or memory than before. make soak runs it.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	total = flag.Int64("n", 5_000_000, "how many descriptors to pass, there and back counted as two")
	conns = flag.Int("conns", 64, "how many connections at once")
	echo  = flag.Bool("echo", false, "be the second process (internal)")
)

// patience is how long the processes may stand still before that is a failure.
const patience = time.Minute

// A message's payload is its number; endOfPhase has no descriptors.
const (
	payloadLen = 8
	endOfPhase = ^uint64(0)
)

func main() {
	flag.Parse()
	run := parent
	if *echo {
		run = child
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// parent starts the other process, passes some descriptors as a warm-up, so that
// buffers have their final sizes, measures, passes the rest and measures again.
func parent() error {
	links, cmd, err := start()
	if err != nil {
		return err
	}
	p, err := newPool()
	if err != nil {
		return err
	}
	go p.watch()
	var before, after usage
	for _, phase := range []struct {
		until int64
		usage *usage
	}{{*total / 10, &before}, {*total, &after}} {
		if err := p.pass(links, phase.until); err != nil {
			return err
		}
		if *phase.usage, err = measure(); err != nil {
			return err
		}
		fmt.Printf("soak: %d passed; sender: %v\n", p.passed.Load(), *phase.usage)
	}
	for _, l := range links {
		l.conn.Close()
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the other process: %w", err)
	}
	if err := before.check(after); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	fmt.Printf("soak: all is as it was after %d descriptors over %d connections\n", p.passed.Load(), *conns)
	return nil
}

// linkTo is a connection and the way that is used on it.
type linkTo struct {
	link
	conn *net.UnixConn
}

// start starts the other process with one end of each connection.
func start() (links []linkTo, cmd *exec.Cmd, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd = exec.Command(self, "-echo", fmt.Sprint("-conns=", *conns))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	for i := range *conns {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, kinds[i%len(kinds)].typ|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, nil, err
		}
		l, err := newLink(i, pair[0])
		if err != nil {
			return nil, nil, err
		}
		links = append(links, l)
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.NewFile(uintptr(pair[1]), "socket"))
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	return links, cmd, nil
}

func newLink(i, fd int) (l linkTo, err error) {
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return l, err
	}
	l.conn = c.(*net.UnixConn)
	l.link, err = kinds[i%len(kinds)].make(l.conn)
	return l, err
}

// forEach calls f for every link at the same time and returns the first error.
func forEach(links []linkTo, f func(i int, l linkTo) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, len(links))
	for i, l := range links {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := f(i, l); err != nil {
				errs <- fmt.Errorf("connection %d, %T: %w", i, l.link, err)
				l.conn.Close()
			}
		}()
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// pool has the descriptors that are passed, each on a file of its own.
type pool struct {
	files  []*os.File
	fds    []int
	inodes []uint64
	passed atomic.Int64
}

// newPool makes so many that the other process has room for as many from every
// connection.
func newPool() (*pool, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil, err
	}
	p := &pool{}
	size := min(253, (int(min(limit.Cur, 1<<20))-200)/(*conns))
	if size < 1 {
		return nil, fmt.Errorf("a limit of %d descriptors is too low for %d connections", limit.Cur, *conns)
	}
	for range size {
		var pipe [2]int
		if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
			return nil, err
		}
		syscall.Close(pipe[1])
		ino, err := inode(pipe[0])
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, os.NewFile(uintptr(pipe[0]), "pipe"))
		p.fds, p.inodes = append(p.fds, pipe[0]), append(p.inodes, ino)
	}
	return p, nil
}

func inode(fd int) (uint64, error) {
	var st syscall.Stat_t
	err := syscall.Fstat(fd, &st)
	return uint64(st.Ino), err
}

// pass sends descriptors over all links and gets them back, until so many have
// been passed.
func (p *pool) pass(links []linkTo, until int64) error {
	return forEach(links, func(i int, l linkTo) error {
		for seq := uint64(i); p.passed.Load() < until; seq++ {
			if err := p.roundTrip(l, seq); err != nil {
				return err
			}
		}
		buf := binary.NativeEndian.AppendUint64(nil, endOfPhase)
		if err := l.send(buf, &load{}); err != nil {
			return err
		}
		_, err := l.recv(buf)
		return err
	})
}

// roundTrip passes a few descriptors most of the time, and sometimes all.
func (p *pool) roundTrip(l linkTo, seq uint64) error {
	n := 1 + int(seq%16)
	if seq%64 == 63 {
		n = len(p.fds)
	}
	n = min(n, len(p.fds))
	from := int(seq % uint64(len(p.fds)-n+1))
	buf := binary.NativeEndian.AppendUint64(make([]byte, 0, payloadLen), seq)
	if err := l.send(buf, &load{p.fds[from : from+n], p.files[from : from+n]}); err != nil {
		return err
	}
	got, err := l.recv(buf)
	if err != nil {
		return err
	}
	if back := binary.NativeEndian.Uint64(buf); back != seq || got.len() != n {
		return fmt.Errorf("sent message %d with %d descriptors, got %d with %d", seq, n, back, got.len())
	}
	for i, fd := range got.numbers() {
		ino, err := inode(fd)
		if err != nil {
			return err
		}
		if ino != p.inodes[from+i] {
			return fmt.Errorf("descriptor %d of message %d is another one", i, seq)
		}
	}
	p.passed.Add(int64(2 * n))
	return got.close()
}

// watch prints a line now and then, and ends everything if nothing happens.
func (p *pool) watch() {
	const every = 2 * time.Second
	var last int64
	moved := time.Now()
	for range time.Tick(every) {
		now := p.passed.Load()
		fmt.Printf("soak: %d of %d descriptors, %d a second\n",
			now, *total, int64(float64(now-last)/every.Seconds()))
		if now != last {
			moved = time.Now()
		} else if time.Since(moved) > patience {
			panic("soak: nothing moves")
		}
		last = now
	}
}

// child sends back what it receives.
func child() error {
	var links []linkTo
	for i := range *conns {
		l, err := newLink(i, 3+i)
		if err != nil {
			return err
		}
		links = append(links, l)
	}
	var before, after usage
	for _, u := range []*usage{&before, &after} {
		if err := forEach(links, sendBack); err != nil {
			return err
		}
		var err error
		if *u, err = measure(); err != nil {
			return err
		}
		fmt.Printf("soak: receiver: %v\n", *u)
		// Only now may the next phase begin.
		if err := forEach(links, endPhase); err != nil {
			return err
		}
	}
	return before.check(after)
}

func endPhase(_ int, l linkTo) error {
	return l.send(binary.NativeEndian.AppendUint64(nil, endOfPhase), &load{})
}

// sendBack answers the messages of one phase.
func sendBack(_ int, l linkTo) error {
	buf := make([]byte, payloadLen)
	for {
		got, err := l.recv(buf)
		if err != nil {
			return err
		}
		if binary.NativeEndian.Uint64(buf) == endOfPhase {
			return nil
		}
		if err := l.send(buf, &got); err != nil {
			return err
		}
		if err := got.close(); err != nil {
			return err
		}
	}
}
