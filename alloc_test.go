//go:build linux

package fdpass_test

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// allocRuns is how often each promise is tried.
const allocRuns = 50

// atMost checks that f allocates no more than want times. It calls f a few times
// before it counts, so that what is allocated only once is not counted.
func atMost(t *testing.T, want float64, f func() error) {
	t.Helper()
	var err error
	got := testing.AllocsPerRun(allocRuns, func() {
		if ferr := f(); ferr != nil {
			err = ferr
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got > want {
		t.Errorf("%v allocations, want at most %v", got, want)
	}
}

// raceEnabled is set by race_test.go, which only a build with -race has.
var raceEnabled bool

// skipUnderRace skips a test of allocations, since the race detector makes some.
func skipUnderRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector has sync.Pool drop what it holds at random; runs without -race")
	}
}

// ends returns both kinds of connection, and the far end of each.
func ends(t *testing.T, f func(t *testing.T, far fdpass.Socket, near syscall.Conn)) {
	t.Run("bare", func(t *testing.T) {
		fdtest.NoLeak(t)
		a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
		f(t, fdpass.Socket(a), fdpass.Socket(b))
	})
	t.Run("UnixConn", func(t *testing.T) {
		fdtest.NoLeak(t)
		a, b := fdtest.Conns(t, "unix")
		far := 0
		raw, err := a.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) { far = int(fd) }); err != nil {
			t.Fatal(err)
		}
		f(t, fdpass.Socket(far), b)
		runtime.KeepAlive(a)
	})
}

func TestDoSenderAndReceiverAllocateNothing(t *testing.T) {
	fdtest.NeedsLinux(t, "a message without an allocation")
	ends(t, func(t *testing.T, far fdpass.Socket, near syscall.Conn) {
		for _, n := range counts {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				s := must(fdpass.NewSender(near))(t)
				r := must(fdpass.NewReceiver(far, fdpass.Options{MaxFDs: n, Credentials: true}))(t)
				back := must(fdpass.NewSender(far))(t)
				near := must(fdpass.NewReceiver(near, fdpass.Options{MaxFDs: n}))(t)
				fds, p := fdtest.FDs(t, n), make([]byte, 1)
				pass := func(s *fdpass.Sender, r *fdpass.Receiver) error {
					if _, err := s.Send(p, fds...); err != nil {
						return err
					}
					m, err := r.Recv(p)
					if err != nil {
						return err
					}
					if len(m.FDs()) != n {
						return fmt.Errorf("%d descriptors came, not %d", len(m.FDs()), n)
					}
					return m.Close()
				}
				atMost(t, 0, func() error { return pass(s, r) })
				atMost(t, 0, func() error { return pass(back, near) })
			})
		}
	})
}

func TestDoBatchesAllocateNothing(t *testing.T) {
	fdtest.NeedsLinux(t, "a message without an allocation")
	ends(t, func(t *testing.T, far fdpass.Socket, near syscall.Conn) {
		const size = 8
		for _, n := range counts {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				s := must(fdpass.NewBatchSender(far))(t)
				r := must(fdpass.NewBatchReceiver(near, size, fdpass.Options{MaxFDs: n}))(t)
				fds, out, bufs := fdtest.FDs(t, n), make([]fdpass.Outgoing, size), make([][]byte, size)
				for i := range out {
					bufs[i] = make([]byte, 1)
					out[i] = fdpass.Outgoing{Payload: bufs[i], FDs: fds}
				}
				atMost(t, 0, func() error {
					if _, _, err := s.Send(out); err != nil {
						return err
					}
					// Mostly all at once, but under qemu-user a signal ends a batch.
					for got := 0; got < size; {
						msgs, err := r.Recv(bufs[got:])
						if err != nil {
							return err
						}
						if len(msgs[0].FDs()) != n {
							return fmt.Errorf("%d descriptors came, not %d", len(msgs[0].FDs()), n)
						}
						for i := range msgs {
							if err := msgs[i].Close(); err != nil {
								return err
							}
						}
						got += len(msgs)
					}
					return nil
				})
			})
		}
	})
}

func TestDoesTheCodecAllocateNothing(t *testing.T) {
	fds, control := make([]int, 0, rawmsg.SCM_MAX_FD), make([]byte, 0, 2048)
	in := make([]int, 200)
	atMost(t, 0, func() error {
		control = fdpass.AppendRights(control[:0], in...)
		control = fdpass.AppendControl(control, rawmsg.SOL_SOCKET, rawmsg.SCM_CREDENTIALS, make([]byte, 12))
		fds = fds[:0]
		for c, err := range fdpass.ParseControls(control) {
			if err != nil {
				return err
			}
			if fds, err = c.Rights(fds); err != nil {
				return err
			}
			c.Credentials()
		}
		if len(fds) != len(in) {
			return fmt.Errorf("%d descriptors, not %d", len(fds), len(in))
		}
		return nil
	})
}

// Sending allocates nothing, and receiving only the slice that is returned.
func TestWhatDoOneCallFunctionsAllocate(t *testing.T) {
	fdtest.NeedsLinux(t, "a message without an allocation")
	skipUnderRace(t)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fds := fdtest.FDs(t, 8)
	atMost(t, 1, func() error {
		if err := fdpass.SendFDs(a, fds...); err != nil {
			return err
		}
		got, err := fdpass.RecvFDs(b, len(fds))
		for _, fd := range got {
			syscall.Close(fd)
		}
		return err
	})
}

func TestDoFilesAllocateWhatOSNewFileNeeds(t *testing.T) {
	fdtest.NeedsLinux(t, "a message without an allocation")
	skipUnderRace(t)
	fdtest.NoLeak(t)
	far, near := fdtest.Conns(t, "unix")
	fds := fdtest.FDs(t, 8)
	s := must(fdpass.NewSender(far))(t)
	// This is what os.NewFile allocates.
	needed := testing.AllocsPerRun(allocRuns, func() {
		for _, fd := range fds {
			fd, err := syscall.Dup(fd)
			if err != nil {
				panic(err)
			}
			os.NewFile(uintptr(fd), "fdpass").Close()
		}
	})
	const slice, rawConn = 1, 1
	p := make([]byte, 1)
	atMost(t, needed+slice+rawConn, func() error {
		if _, err := s.Send(p, fds...); err != nil {
			return err
		}
		files, err := fdpass.Recv(near, len(fds))
		for _, f := range files {
			f.Close()
		}
		return err
	})
}

// A program may have ten thousand connections. A Receiver has two kilobytes at most,
// one of which is room for all descriptors that a message can carry.
func TestIsAReceiverSmall(t *testing.T) {
	fdtest.NoLeak(t)
	const n, limit = 10_000, 2048
	_, conn := fdtest.Conns(t, "unix")
	receivers := make([]*fdpass.Receiver, n)
	before := heap()
	for i := range receivers {
		receivers[i] = must(fdpass.NewReceiver(conn, fdpass.Options{MaxFDs: 8}))(t)
	}
	each := (heap() - before) / n
	runtime.KeepAlive(receivers)
	t.Logf("%d bytes each", each)
	if each > limit {
		t.Errorf("%d bytes each, want at most %d", each, limit)
	}
	if each < 100 {
		t.Errorf("%d bytes each: nothing was measured", each)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools held is gone only now
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
