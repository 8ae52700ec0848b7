package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// scaleMessages is how many messages with one descriptor each go over all
// connections together in one measurement.
const scaleMessages = 20000

// scaleStarts is how often each process is started; ours and the other take turns.
const scaleStarts = 11

// scaleRounds is how often they are sent; the first is to warm up.
const scaleRounds = 6

// scaleFDs is the most descriptors that the receivers make room for.
const scaleFDs = 8

var (
	scaleCounts = []int{1, 100, 1000, 10000}
	scaleWays   = map[string]func(conn *net.UnixConn, p []byte) (func() error, error){
		"fdpass":   scaleOurs,
		"standard": scaleStandard,
		"floor":    scaleFloor,
	}
)

// scalePoint is what one measurement found, all of it for one connection but
// ns and cpu, which are for one message.
type scalePoint struct {
	conns     int
	ns        float64
	cpu       float64 // ns of the processor, of the process that receives
	heap      float64 // what the receiver takes up
	stack     float64 // its goroutine's
	connBytes float64 // net.UnixConn's
}

func measureScale(s *settings, r *results) error {
	r.scale = map[string][]scalePoint{}
	for _, n := range scaleCounts {
		points := map[string][]scalePoint{}
		for range scaleStarts {
			for how := range scaleWays {
				p, err := startScale(how, n)
				if err != nil {
					return fmt.Errorf("%d connections, %s: %w", n, how, err)
				}
				points[how] = append(points[how], p)
			}
		}
		for how, of := range points {
			r.scale[how] = append(r.scale[how], middle(of))
		}
	}
	return nil
}

// startScale makes one measurement, in a process of its own.
func startScale(how string, n int) (scalePoint, error) {
	p := scalePoint{conns: n}
	out, err := exec.Command("/proc/self/exe", "scale", how, strconv.Itoa(n)).CombinedOutput()
	if err != nil {
		return p, fmt.Errorf("%w: %s", err, out)
	}
	if _, err := fmt.Sscan(string(out), &p.ns, &p.cpu, &p.heap, &p.stack, &p.connBytes); err != nil {
		return p, fmt.Errorf("%w: %q", err, out)
	}
	return p, nil
}

// middle returns the measurement whose time of the processor is the median.
func middle(of []scalePoint) scalePoint {
	slices.SortFunc(of, func(a, b scalePoint) int { return cmp.Compare(a.cpu, b.cpu) })
	return of[len(of)/2]
}

// scaleOurs makes what a goroutine calls for each message: receive it and close
// its descriptor.
func scaleOurs(conn *net.UnixConn, p []byte) (func() error, error) {
	r, err := fdpass.NewReceiver(conn, fdpass.Options{MaxFDs: scaleFDs})
	if err != nil {
		return nil, err
	}
	return func() error {
		m, err := r.Recv(p)
		if err != nil {
			return err
		}
		if err := expect(len(m.FDs()), 1); err != nil {
			return err
		}
		return m.Close()
	}, nil
}

func scaleStandard(conn *net.UnixConn, p []byte) (func() error, error) {
	oob := make([]byte, syscall.CmsgSpace(4*scaleFDs))
	return func() error {
		n, oobn, _, _, err := conn.ReadMsgUnix(p, oob)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		msgs, err := syscall.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return err
		}
		fds, err := syscall.ParseUnixRights(&msgs[0])
		if err != nil {
			return err
		}
		if err := expect(len(fds), 1); err != nil {
			return err
		}
		return closeAll(fds)
	}, nil
}

// scaleFloor is the least that a program in Go can do on package net's connections.
func scaleFloor(conn *net.UnixConn, p []byte) (func() error, error) {
	w, err := newBareLoop(make([]int, 1), &keeper{make([]int, 0, 1)}).onConn(conn)
	if err != nil {
		return nil, err
	}
	return w.recvClose, nil
}

// scale is the role of a process that receives on many connections at once, a
// goroutine each. It prints the numbers of a scalePoint.
func scale(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	conns, dialer, err := accept(n)
	if err != nil {
		return err
	}
	// What does not belong to the library is made before its memory is measured.
	payloads, recvs := make([]byte, n), make([]func() error, n)
	before := memory()
	for i := range recvs {
		if recvs[i], err = scaleWays[args[0]](conns[i], payloads[i:i+1]); err != nil {
			return err
		}
	}
	receivers := memory()
	var received atomic.Int64
	done, failed := make(chan struct{}), make(chan error, n)
	for _, recv := range recvs {
		go func() {
			for {
				if err := recv(); err != nil {
					failed <- err
					return
				}
				if received.Add(1)%scaleMessages == 0 {
					done <- struct{}{}
				}
			}
		}()
	}
	var took, used []float64
	for round := range scaleRounds {
		start, cpu := time.Now(), processorTime()
		if _, err := io.WriteString(dialer, "go\n"); err != nil {
			return err
		}
		select {
		case <-done:
		case err := <-failed:
			return err
		case <-time.After(time.Minute):
			return fmt.Errorf("%d messages, and no more for a minute", received.Load())
		}
		if round > 0 { // the first is to warm up
			took = append(took, float64(time.Since(start).Nanoseconds())/scaleMessages)
			used = append(used, float64(processorTime()-cpu)/scaleMessages)
		}
	}
	waiting := memory()
	per := func(a, b uint64) float64 { return max(0, float64(int64(b-a))) / float64(n) }
	_, err = fmt.Println(tenth(took), tenth(used),
		per(before.HeapAlloc, receivers.HeapAlloc), per(before.StackInuse, waiting.StackInuse),
		per(0, before.HeapAlloc))
	return err
}

// processorTime returns how long this process has used a processor, in nanoseconds:
// getrusage(2).
func processorTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // the first leaves what pools hold
	runtime.ReadMemStats(&m)
	return m
}

// accept has another process connect n times. What is written to dialer makes
// that one send its messages.
func accept(n int) (conns []*net.UnixConn, dialer io.Writer, err error) {
	name := fmt.Sprintf("@fdpass-bench-%d", os.Getpid())
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	l.SetDeadline(time.Now().Add(time.Minute))
	cmd := exec.Command("/proc/self/exe", "dial", name, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	if dialer, err = cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	conns = make([]*net.UnixConn, n)
	for i := range conns {
		if conns[i], err = l.AcceptUnix(); err != nil {
			return nil, nil, err
		}
	}
	return conns, dialer, nil
}

// dial is the role of the process at the other ends. For each line that it
// reads it sends scaleMessages messages, now on this connection, now on that.
func dial(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	socks := make([]int, n)
	for i := range socks {
		socks[i], err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := syscall.Connect(socks[i], &syscall.SockaddrUnix{Name: args[0]}); err != nil {
			return err
		}
	}
	control, payload := fdpass.AppendRights(nil, 0), []byte{0}
	iov := rawmsg.Iovec{Base: &payload[0], Len: 1}
	hdr := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: &control[0], Controllen: uintptr(len(control))}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		for i := range scaleMessages {
			if _, err := rawmsg.Sendmsg(socks[i*7919%n], &hdr, syscall.MSG_NOSIGNAL); err != nil {
				return err
			}
		}
	}
	return nil
}
