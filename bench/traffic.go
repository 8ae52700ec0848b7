package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"example.com/fdpass"
)

// row is one line of the tables.
type row struct {
	key     string
	name    string
	batch   bool // works in batches of batchSize
	c       bool // a floor
	ours    bool
	recvs   bool   // has no way to send
	sending string // its name in the table of sending, if that is another
	command func(s *settings) []string
}

func goChild(key string) func(*settings) []string {
	return func(*settings) []string { return []string{"/proc/self/exe", "child", key} }
}

func cChild(args ...string) func(*settings) []string {
	return func(s *settings) []string { return append([]string{s.floor}, args...) }
}

func pythonChild(how string) func(*settings) []string {
	return func(s *settings) []string { return []string{s.python, s.recipe, how} }
}

const (
	floorSingle = "C-recvmsg"
	floorBatch  = "C-recvmmsg"
)

var rows = []*row{
	{key: floorSingle, name: "C `recvmsg`: the floor", sending: "C `sendmsg`: the floor",
		command: cChild("recvmsg"), c: true},
	{key: "C-recvmsg-threads", name: "the same in a process with a second thread, asleep",
		command: cChild("recvmsg", "threads"), c: true},
	{key: floorBatch, name: "C `recvmmsg`, 64: the floor for batches",
		sending: "C `sendmmsg`, 64: the floor for batches", batch: true, command: cChild("recvmmsg"), c: true},
	{key: "RecvFDs", name: "fdpass `RecvFDs`, bare descriptor",
		sending: "fdpass `SendFDs`, bare descriptor", ours: true},
	{key: "Receiver-bare", name: "fdpass `Receiver`, bare descriptor",
		sending: "fdpass `Sender`, bare descriptor", ours: true},
	{key: "Receiver-conn", name: "fdpass `Receiver`, `net.UnixConn`",
		sending: "fdpass `Sender`, `net.UnixConn`", ours: true},
	{key: "Recv-files", name: "fdpass `Recv`, `net.UnixConn`, `*os.File`",
		sending: "fdpass `Send`, `net.UnixConn`, `*os.File`", ours: true},
	{key: "Batch-bare", name: "fdpass batch of 64, bare descriptor", batch: true, ours: true},
	{key: "Batch-conn", name: "fdpass batch of 64, `net.UnixConn`", batch: true, ours: true},
	{key: "standard", name: "standard library: `ReadMsgUnix` and syscall's parser",
		sending: "standard library: `WriteMsgUnix` and syscall's `UnixRights`"},
	{key: "xsys", name: "golang.org/x/sys/unix, bare descriptor"},
	{key: "mdlayher-socket", name: "mdlayher/socket, and x/sys's parser",
		sending: "mdlayher/socket, and x/sys's `UnixRights`"},
	{key: "ftrvxmtrx-fd", name: "ftrvxmtrx/fd, `*os.File`"},
	{key: "recv_fds", name: "python3 `socket.recv_fds`", sending: "python3 `socket.send_fds`",
		command: pythonChild("recv_fds")},
	{key: "ctypes", name: "python3, ctypes", recvs: true, command: pythonChild("ctypes")},
}

func (r *row) start(s *settings) (*process, error) {
	command := r.command
	if command == nil {
		command = goChild(r.key)
	}
	return start(command(s))
}

// process is a contender at work.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	sock int // our end
	send *fdpass.BatchSender
}

// start starts a contender, with one end of a pair of sockets.
func start(words []string) (*process, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for _, fd := range pair {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1<<20); err != nil {
			return nil, err
		}
	}
	p := &process{cmd: exec.Command(words[0], words[1:]...), sock: pair[0]}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	p.cmd.ExtraFiles = []*os.File{theirs}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if p.send, err = fdpass.NewBatchSender(fdpass.Socket(p.sock)); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

func (p *process) stop() error {
	p.in.Close()
	err := p.cmd.Wait()
	syscall.Close(p.sock)
	return err
}

// answer is what a contender says: see child.go.
type answer struct{ took, closing, allocs, bytes float64 }

// order fills the queue, has the contender do its work and empties the queue.
func (p *process) order(order string, fds []int, messages int) (a answer, err error) {
	if order != "send" {
		if err := p.fill(fds, messages); err != nil {
			return a, err
		}
	}
	if _, err := fmt.Fprintf(p.in, "%s %d %d\n", order, len(fds), messages); err != nil {
		return a, err
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		return a, fmt.Errorf("%s: %w", strings.Join(p.cmd.Args, " "), err)
	}
	if _, err := fmt.Sscan(line, &a.took, &a.closing, &a.allocs, &a.bytes); err != nil {
		return a, err
	}
	if order == "send" {
		err = p.empty(messages)
	}
	n := float64(messages)
	return answer{a.took / n, a.closing / n, a.allocs / n, a.bytes / n}, err
}

func (p *process) fill(fds []int, messages int) error {
	out := make([]fdpass.Outgoing, messages)
	for i := range out {
		out[i] = fdpass.Outgoing{Payload: []byte{0}, FDs: fds}
	}
	_, _, err := p.send.Send(out)
	return err
}

// empty reads the messages; a read without room for descriptors has the kernel
// drop them.
func (p *process) empty(messages int) error {
	var b [1]byte
	for range messages {
		if n, err := syscall.Read(p.sock, b[:]); n != 1 {
			return errors.Join(errors.New("fewer messages than were sent"), err)
		}
	}
	return nil
}
