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
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestMain(m *testing.M) {
	fdtest.Main(m, map[string]func(args []string) error{"send": sendAll})
}

// connections returns how many there are at once: eight, or as many as the descriptor
// table has places for. Each sender may need those of five messages at once.
func connections(t *testing.T) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := int(min(8, (limit.Cur-100)/(5*rawmsg.SCM_MAX_FD)))
	if n < 1 {
		t.Skipf("needs a descriptor table of 2000 places, not %d: ulimit -n 2000", limit.Cur)
	}
	return n
}

// books are what the receiver keeps.
type books struct {
	t       *testing.T
	control *net.UnixConn
	id      atomic.Int64
	passed  atomic.Int64 // descriptors that came as they should
	left    atomic.Int64 // messages whose descriptors the library had to close
	full    atomic.Int64 // messages that came while the table was full
	refused atomic.Int64 // messages with more than were allowed
	broken  atomic.Int64 // connections that were closed in the middle
}

func TestIsEveryDescriptorAccountedFor(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	at := connections(t)
	want, period := extent(t)
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(pair[1]), "control")
	cmd := fdtest.Command(t, "send")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	control, err := fdpass.NewUnixConn(pair[0])
	if err != nil {
		t.Fatal(err)
	}
	k := &books{t: t, control: control}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	stopSignals, stopSqueeze := signals(), squeeze()
	start := time.Now()
	var group sync.WaitGroup
	for i := range at {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		fdtest.Go(&group, func() {
			for (k.passed.Load() < want || time.Since(start) < period) && !t.Failed() {
				k.run(newJob(k.id.Add(1), rng), rng)
			}
		})
	}
	group.Wait()
	stopSqueeze()
	stopSignals()
	control.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the sender: %v", err)
	}
	t.Logf("%d descriptors over %d connections in %v: %d messages left to the library, "+
		"%d with a full table, %d with too many, %d connections closed in the middle",
		k.passed.Load(), k.id.Load(), time.Since(start).Round(time.Second), k.left.Load(),
		k.full.Load(), k.refused.Load(), k.broken.Load())
	if k.passed.Load() < want {
		t.Errorf("want at least %d descriptors", want)
	}
}

// extent returns how many descriptors to pass at least, and for how long.
func extent(t *testing.T) (n int64, period time.Duration) {
	t.Helper()
	n = 20_000
	var err error
	if s := os.Getenv("FDPASS_LEDGER"); s != "" {
		if n, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if s := os.Getenv("FDPASS_LEDGER_TIME"); s != "" {
		if period, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	return n, period
}

// run does a job from the beginning to the end.
func (k *books) run(j job, rng *rand.Rand) {
	conn, end, err := k.connect(&j, rng)
	if err != nil {
		k.t.Error(err)
		return
	}
	defer end()
	receive, done, err := receivers[j.Receive].make(conn, &j, rng)
	if err != nil {
		k.t.Errorf("%+v: %v", j, err)
		return
	}
	defer done()
	var group sync.WaitGroup
	defer group.Wait()
	for i, m := range j.messages() {
		if i == j.Break {
			k.broken.Add(1)
			if j.Raw {
				return
			}
			fdtest.Go(&group, func() { conn.(io.Closer).Close() })
		}
		err := k.receiveMessage(&j, &m, receive)
		if errors.Is(err, errStop) || i >= j.Break && errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			k.t.Errorf("%+v: message %+v: %v", j, m, err)
			return
		}
	}
}

// connect makes the connection of a job and gives the sender its end.
func (k *books) connect(j *job, rng *rand.Rand) (conn syscall.Conn, end func(), err error) {
	fds, err := retry(func() ([2]int, error) {
		return syscall.Socketpair(syscall.AF_UNIX, fdtest.Types[j.Network]|syscall.SOCK_CLOEXEC, 0)
	})
	if err != nil {
		return nil, nil, err
	}
	words, err := json.Marshal(j)
	if err == nil {
		_, err = retry(func() (int, error) { return fdpass.SendMsgFDs(k.control, words, fds[1]) })
	}
	if err = errors.Join(err, syscall.Close(fds[1])); err != nil {
		syscall.Close(fds[0])
		return nil, nil, err
	}
	if !j.Raw {
		c, err := retry(func() (*net.UnixConn, error) { return fdpass.NewUnixConn(fds[0]) })
		return c, func() { c.Close() }, err
	}
	if rng.IntN(2) == 0 { // so that signals interrupt it
		hour := syscall.Timeval{Sec: 3600}
		err = syscall.SetsockoptTimeval(fds[0], syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &hour)
	}
	return fdpass.Socket(fds[0]), func() { syscall.Close(fds[0]) }, err
}

// errStop: an error that had to come ended the job.
var errStop = errors.New("stop")

// receiveMessage receives one message, on a stream in as many parts as it comes
// in, and compares it with the one that was sent.
func (k *books) receiveMessage(j *job, m *message, receive receiveFunc) error {
	p := make([]byte, m.length(j))
	var got []token
	defer func() { closeTokens(got) }()
	excused := false
	for n := 0; n < len(p); {
		part, some, err := receive(p[n:], m.fds)
		got = append(got, some...)
		n += part
		if err != nil && !(errors.Is(err, errLeft) && len(got) > 0) { // they came with an earlier part
			if err = k.excuse(j, m, err); err != nil {
				return err
			}
			excused = true
		}
		if part == 0 {
			return fmt.Errorf("a receive without a payload: %v", err)
		}
		if j.Network != "unix" && n != len(p) {
			return fmt.Errorf("%d bytes of payload, want %d", n, len(p))
		}
	}
	for i := range p {
		if !receivers[j.Receive].bare && !senders[j.Send].bare && p[i] != m.byteAt(i) {
			return fmt.Errorf("byte %d of the payload is %d", i, p[i])
		}
	}
	if excused {
		if len(got) > 0 {
			return fmt.Errorf("%d descriptors with an error", len(got))
		}
		return nil
	}
	if m.fds > j.Max {
		return fmt.Errorf("%d descriptors came, which is more than allowed", len(got))
	}
	k.passed.Add(int64(len(got)))
	return check(m, got)
}

// excuse says which errors may come with a message that is complete otherwise.
func (k *books) excuse(j *job, m *message, err error) error {
	switch {
	case errors.Is(err, errLeft) && m.fds <= j.Max:
		k.left.Add(1)
	case errors.Is(err, syscall.EMFILE):
		k.full.Add(1)
	case (errors.Is(err, fdpass.ErrTruncated) || errors.Is(err, fdpass.ErrTooManyFDs)) && m.fds > j.Max:
		k.refused.Add(1)
	default:
		return err
	}
	if j.Receive == "Stream" && !errors.Is(err, errLeft) {
		return errStop // a Stream does not go on
	}
	return nil
}

// check compares the numbers of descriptors with those that were sent.
func check(m *message, got []token) error {
	if len(got) != m.fds {
		return fmt.Errorf("%d descriptors", len(got))
	}
	for i, tok := range got {
		if err := tok.with(func(fd int) error { return checkOne(fd, m.first+int64(i)) }); err != nil {
			return fmt.Errorf("descriptor %d of the message: %w", i, err)
		}
	}
	return nil
}

func checkOne(fd int, want int64) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return fmt.Errorf("fstat %d: %w", fd, err)
	}
	if st.Size != want {
		return fmt.Errorf("%d is number %d, want %d", fd, st.Size, want)
	}
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	if errno != 0 || flags&syscall.FD_CLOEXEC == 0 {
		return fmt.Errorf("%d is not close-on-exec: %v", fd, errno)
	}
	return nil
}

// with calls f with the descriptor.
func (tok token) with(f func(fd int) error) error {
	if tok.file == nil {
		return f(tok.fd)
	}
	raw, err := tok.file.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) { err = f(int(fd)) })
	return errors.Join(cerr, err)
}

func closeTokens(got []token) {
	for _, tok := range got {
		var err error
		if tok.file != nil {
			err = tok.file.Close()
		} else {
			err = syscall.Close(tok.fd)
		}
		if err != nil { // somebody else has closed it
			panic(err)
		}
	}
}
