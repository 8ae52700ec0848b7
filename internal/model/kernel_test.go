//go:build linux

package model

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/closer"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// What the kernel does with control buffers that no well-behaved program sends.
// The bytes of a buffer are sent as they are, and what comes is compared with a
// model of the kernel: __scm_send and scm_detach_fds of net/core/scm.c.

var programs = flag.Int("programs", 5_000, "how many control buffers to make up")

// outcome is what a control buffer leads to.
type outcome struct {
	errno syscall.Errno
	fds   []int // the descriptors that go, by the numbers that the sender has
	pid   int32 // of the credentials that go
	open  bool  // the model does not know
}

// send is the model of what sendmsg(2) does with a control buffer.
func (k *kernel) send(control []byte) outcome {
	out := outcome{pid: int32(os.Getpid())}
	head := fdpass.CmsgLen(0)
	rest := control
	for len(rest) >= head {
		n, level, typ := word(rest), int32At(rest, head-8), int32At(rest, head-4)
		if n < uint64(head) || n > uint64(len(rest)) {
			return outcome{errno: syscall.EINVAL}
		}
		data := rest[head:n]
		switch {
		case level != rawmsg.SOL_SOCKET:
		case typ == rawmsg.SCM_RIGHTS:
			if len(out.fds)+len(data)/4 > rawmsg.SCM_MAX_FD {
				return outcome{errno: syscall.EINVAL}
			}
			for ; len(data) >= 4; data = data[4:] {
				if !isOpen(int(int32At(data, 0))) {
					return outcome{errno: syscall.EBADF}
				}
				out.fds = append(out.fds, int(int32At(data, 0)))
			}
		case typ == rawmsg.SCM_CREDENTIALS && len(data) == 12:
			switch pid := int32At(data, 0); {
			case int(int32At(data, 4)) != os.Getuid() || int(int32At(data, 8)) != os.Getgid():
				return outcome{open: true}
			case pid == nobody:
				return outcome{errno: k.forged}
			case pid != out.pid:
				return outcome{open: true} // it depends on which processes there are
			}
		default:
			return outcome{errno: syscall.EINVAL}
		}
		rest = rest[min(len(rest), fdpass.CmsgAlign(int(n))):]
	}
	// A kernel that translates the buffer of a 32-bit process wants a header there.
	out.open = out.open || head == 12 && len(rest) > 0
	return out
}

// receive is the model of how many of a number of descriptors recvmsg(2) installs
// in a buffer of so many bytes, after credentials or without, and whether it says
// MSG_CTRUNC.
func receive(fds, room int, credentials bool) (installed int, truncated bool) {
	if credentials {
		truncated = room < fdpass.CmsgLen(12)
		room -= min(room, fdpass.CmsgSpace(12))
	}
	installed = min(fds, max(0, room-fdpass.CmsgLen(0))/4)
	return installed, truncated || installed < fds
}

func isOpen(fd int) bool {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	return errno == 0
}

func word(b []byte) uint64 {
	if fdpass.CmsgLen(0) == 16 {
		return binary.NativeEndian.Uint64(b)
	}
	return uint64(binary.NativeEndian.Uint32(b))
}

func int32At(b []byte, i int) int32 { return int32(binary.NativeEndian.Uint32(b[i:])) }

// nobody is larger than the number of any process; PID_MAX_LIMIT of
// include/linux/threads.h.
const nobody = 1<<31 - 2

// kernel is what the programs are tried on.
type kernel struct {
	open   []int         // descriptors that programs may name
	forged syscall.Errno // the error for the credentials of a process that is not there
	next   int           // the number that a new descriptor gets
}

func newKernel(t testing.TB) *kernel {
	fdtest.SkipUnderQemuUser(t, "it crashes on a malformed control buffer")
	k := &kernel{open: fdtest.FDs(t, 4), forged: syscall.EPERM}
	if fdtest.ForeignPIDs(t) {
		k.forged = syscall.ESRCH
	}
	fdtest.Count(t) // what Go opens once and for all is open now
	k.next = nextNumber(t)
	return k
}

func nextNumber(t testing.TB) int {
	fd, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
	return fd
}

// control makes a control buffer of a program. Three bytes make a message: what it
// is, how many bytes of data it has, and by how much its length is wrong. What is
// left of the program is the end of the buffer, as it is.
func (k *kernel) control(program []byte) (b []byte) {
	types := []int{rawmsg.SCM_RIGHTS, rawmsg.SCM_RIGHTS, rawmsg.SCM_RIGHTS, rawmsg.SCM_CREDENTIALS,
		rawmsg.SCM_CREDENTIALS, rawmsg.SCM_SECURITY, rawmsg.SCM_PIDFD, 1 << 30}
	for len(program) >= 3 && program[0] < 0xf0 {
		level, typ := rawmsg.SOL_SOCKET, types[program[0]&7]
		if program[0]&0xf8 == 8 {
			level = rawmsg.SOL_SOCKET + 1
		}
		data := k.data(typ, int(program[1]), program[2])
		start := len(b)
		b = fdpass.AppendControl(b, level, typ, data)
		if wrong := int(int8(program[2])); wrong > 96 || wrong < -96 {
			k.setLength(b[start:], int64(fdpass.CmsgLen(len(data))+wrong/8))
		}
		program = program[3:]
	}
	return append(b, program...)
}

func (k *kernel) setLength(b []byte, n int64) {
	if fdpass.CmsgLen(0) == 16 {
		binary.NativeEndian.PutUint64(b, uint64(n))
	} else {
		binary.NativeEndian.PutUint32(b, uint32(n))
	}
}

// data returns the data of a message, mostly such that the kernel takes them.
func (k *kernel) data(typ, size int, luck byte) []byte {
	if typ == rawmsg.SCM_CREDENTIALS && size%8 != 0 {
		pid := uint32(os.Getpid())
		if luck%16 == 1 {
			pid = nobody
		}
		b := binary.NativeEndian.AppendUint32(nil, pid)
		b = binary.NativeEndian.AppendUint32(b, uint32(os.Getuid()))
		return binary.NativeEndian.AppendUint32(b, uint32(os.Getgid()))
	}
	if luck%32 == 1 { // beyond the limit
		size += 4 * rawmsg.SCM_MAX_FD
	}
	b := make([]byte, size)
	for i := 0; i+4 <= size; i += 4 {
		fd := k.open[(i/4+int(luck))%len(k.open)]
		if luck%32 == 2 && i/4 == size/8 {
			fd = [...]int{-1, 1 << 30, k.next + 100}[size%3]
		}
		binary.NativeEndian.PutUint32(b[i:], uint32(fd))
	}
	return b
}

// try sends a control buffer over a socket, peeks at it with a room of its own, and
// receives it with the library.
func (k *kernel) try(t *testing.T, typ int, control []byte, room int) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	credentials := room%2 == 0
	r, err := fdpass.NewReceiver(fdpass.Socket(pair[1]), fdpass.Options{
		MaxFDs: rawmsg.SCM_MAX_FD, Credentials: credentials,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := k.send(control)
	_, serr := fdtest.Sendmsg(pair[0], []byte("x"), control, 0)
	if !want.open && !k.sameErrno(want.errno, serr) {
		t.Errorf("sendmsg of %x: %v, want %v", control, serr, want.errno)
	}
	if serr == nil && !want.open {
		k.peek(t, pair[1], room, len(want.fds), credentials)
	}
	m, err := r.Recv(make([]byte, 1))
	if (err != nil) != (serr != nil) {
		t.Errorf("sendmsg of %x: %v, Recv: %v", control, serr, err)
	}
	if m != nil && !want.open {
		k.compare(t, m, want, credentials)
	}
	r.Close()
	syscall.Close(pair[0])
	syscall.Close(pair[1])
	closer.Drain()
	if next := nextNumber(t); next != k.next {
		t.Fatalf("after %x the next descriptor is %d, and was %d", control, next, k.next)
	}
}

// sameErrno compares an error with that of the model. A kernel that translates the
// buffer of a 32-bit process looks at all lengths first.
func (k *kernel) sameErrno(want syscall.Errno, err error) bool {
	if want == 0 || err == nil || fdpass.CmsgLen(0) == 16 {
		return want == 0 && err == nil || want == err
	}
	return err == want || err == syscall.EINVAL
}

// peek peeks with a control buffer of so many bytes.
func (k *kernel) peek(t *testing.T, fd, room, fds int, credentials bool) {
	t.Helper()
	p, control := make([]byte, 1), make([]byte, room+1)
	iov := rawmsg.Iovec{Base: &p[0], Len: 1}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: &control[0], Controllen: uintptr(room)}
	_, err := rawmsg.Recvmsg(fd, &h, rawmsg.MSG_PEEK|rawmsg.MSG_CMSG_CLOEXEC|rawmsg.MSG_DONTWAIT)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for c := range fdpass.ParseControls(control[:h.Controllen]) {
		got, _ = c.Rights(got)
	}
	fdpass.CloseFDs(got)
	n, truncated := receive(fds, room, credentials)
	if len(got) != n || truncated != (h.Flags&rawmsg.MSG_CTRUNC != 0) {
		t.Errorf("%d of %d descriptors in %d bytes, flags %#x; want %d, truncated %v",
			len(got), fds, room, h.Flags, n, truncated)
	}
}

// compare compares a message with what should have come.
func (k *kernel) compare(t *testing.T, m *fdpass.Message, want outcome, credentials bool) {
	t.Helper()
	if len(m.FDs()) != len(want.fds) {
		t.Fatalf("%d descriptors, want %d", len(m.FDs()), len(want.fds))
	}
	if got, sent := fdtest.IDs(t, m.FDs()...), fdtest.IDs(t, want.fds...); !slices.Equal(got, sent) {
		t.Errorf("descriptors of the files %v, want %v", got, sent)
	}
	if cred, ok := m.Credentials(); ok != credentials || ok && cred.PID != want.pid {
		t.Errorf("credentials %v, %v, want process %d", cred, ok, want.pid)
	}
}

func TestDoesTheKernelDoWhatTheModelSays(t *testing.T) {
	fdtest.NoLeak(t)
	k := newKernel(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	sent := 0
	for range *programs {
		program := make([]byte, rng.IntN(16))
		for i := range program {
			program[i] = byte(rng.Uint32())
		}
		control := k.control(program)
		if k.send(control).errno == 0 {
			sent++
		}
		k.try(t, typeOf(rng.IntN(3)), control, rng.IntN(1200))
		if t.Failed() {
			t.Fatalf("program %x", program)
		}
	}
	t.Logf("%d programs, of which the kernel took %d", *programs, sent)
	if sent < *programs/10 || sent > *programs*9/10 {
		t.Errorf("the kernel took %d of %d: the programs are all the same", sent, *programs)
	}
}

func typeOf(n int) int {
	return []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET}[n%3]
}

func FuzzDoesTheKernelDoWhatTheModelSays(f *testing.F) {
	f.Add([]byte{0, 12, 0, 3, 1, 0}, uint16(24), true)
	f.Add([]byte{0, 255, 1}, uint16(1056), true)
	f.Add([]byte{0, 8, 2, 1, 4, 100, 0xff, 1}, uint16(20), true)
	f.Add(fdpass.AppendRights(nil, 0, 1, 2), uint16(60), false)
	k := newKernel(f)
	f.Fuzz(func(t *testing.T, program []byte, room uint16, built bool) {
		control := program
		if built {
			control = k.control(program[:min(len(program), 64)])
		}
		k.try(t, typeOf(int(room)), control, int(room)%2000)
	})
}
