//go:build linux

package fdpass_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// connected makes a connected pair of Unix sockets. In a real program the two ends
// are in two processes.
func connected(network string) (a, b *net.UnixConn) {
	a, b, err := fdpass.Pair(network)
	if err != nil {
		log.Fatal(err)
	}
	return a, b
}

// fileWith makes a file that holds a text and has no name.
func fileWith(text string) *os.File {
	f, err := os.CreateTemp("", "fdpass")
	if err != nil {
		log.Fatal(err)
	}
	os.Remove(f.Name())
	f.WriteString(text)
	f.Seek(0, io.SeekStart)
	return f
}

// One end of a connection passes an open file, and the other end reads it.
func Example() {
	sender, receiver := connected("unix")
	defer sender.Close()
	defer receiver.Close()

	file := fileWith("hello\n")
	if err := fdpass.Send(sender, file); err != nil {
		log.Fatal(err)
	}
	file.Close() // the receiver has its own

	received, err := fdpass.RecvFile(receiver)
	if err != nil {
		log.Fatal(err)
	}
	defer received.Close()
	text, err := io.ReadAll(received)
	fmt.Printf("%q %v\n", text, err)
	// Output: "hello\n" <nil>
}

func ExampleSend() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()

	// The write end of a pipe goes to the other side, which writes into it.
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	if err := fdpass.Send(a, w); err != nil {
		log.Fatal(err)
	}
	w.Close() // so that the reader sees the end when the other side has closed

	f, err := fdpass.RecvFile(b)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(f, "through the pipe")
	f.Close()

	text, err := io.ReadAll(r)
	fmt.Printf("%s, %v\n", text, err)
	// Output: through the pipe, <nil>
}

func ExampleRecv() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	go fdpass.Send(a, os.Stdin, os.Stdout, os.Stderr)

	b.SetReadDeadline(time.Now().Add(time.Minute))
	files, err := fdpass.Recv(b, 8)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		defer f.Close()
	}
	fmt.Println("received", len(files))
	// Output: received 3
}

// If more descriptors come than were asked for, that is an error, and all of them
// are closed.
func ExampleRecv_truncated() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	fdpass.Send(a, os.Stdin, os.Stdout, os.Stderr)

	files, err := fdpass.Recv(b, 2)
	fmt.Println(len(files), errors.Is(err, fdpass.ErrTruncated))
	// Output: 0 true
}

func ExampleSendMsg() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()

	// The payload says what the descriptors are.
	if _, err := fdpass.SendMsg(a, []byte("stdin stdout"), os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}

	p := make([]byte, 100)
	n, files, err := fdpass.RecvExactly(b, p, 2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d files\n", p[:n], len(files))
	for _, f := range files {
		f.Close()
	}
	// Output: stdin stdout: 2 files
}

func ExampleRecvMsg() {
	a, b := connected("unixpacket")
	defer a.Close()
	defer b.Close()
	file := fileWith("a line of the log\n")
	defer file.Close()
	if _, err := fdpass.SendMsg(a, []byte("the log"), file); err != nil {
		log.Fatal(err)
	}

	p := make([]byte, 100)
	n, files, err := fdpass.RecvMsg(b, p, 1) // at most one
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		text, _ := io.ReadAll(f)
		fmt.Printf("%s: %s", p[:n], text)
		f.Close()
	}
	// Output: the log: a line of the log
}

// If a message has no file, or two, that is an error, and nothing stays open.
func ExampleRecvFile() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	fdpass.Send(a)
	fdpass.Send(a, os.Stdin)

	for range 2 {
		f, err := fdpass.RecvFile(b)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("a file")
		f.Close()
	}
	// Output:
	// fdpass: want 1 descriptors, got 0 with 1 bytes of payload
	// a file
}

// If the number of files is not the one that was asked for, the payload may say why.
func ExampleRecvExactly() {
	a, b := connected("unixpacket")
	defer a.Close()
	defer b.Close()
	fdpass.SendMsg(a, []byte("no such file"))

	p := make([]byte, 100)
	n, files, err := fdpass.RecvExactly(b, p, 1)
	if errors.Is(err, fdpass.ErrCount) {
		fmt.Printf("refused: %s\n", p[:n])
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	files[0].Close()
	// Output: refused: no such file
}

func ExampleRecvMsgFDs() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	if _, err := fdpass.SendMsgFDs(a, []byte("two"), 0, 1); err != nil {
		log.Fatal(err)
	}

	p := make([]byte, 100)
	n, fds, err := fdpass.RecvMsgFDs(b, p, 2)
	if err != nil {
		log.Fatal(err)
	}
	defer fdpass.CloseFDs(fds)
	fmt.Printf("%s: %d\n", p[:n], len(fds))
	// Output: two: 2
}

// A descriptor that another process left open becomes a connection of package
// net.
func ExampleNewUnixConn() {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer syscall.Close(pair[0])
	conn, err := fdpass.NewUnixConn(pair[1])
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close() // the number pair[1] is closed already

	conn.SetReadDeadline(time.Now().Add(time.Minute))
	fdpass.SendFDs(pair[0], 0)
	f, err := fdpass.RecvFile(conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a file with a deadline for its arrival")
	f.Close()
	// Output: a file with a deadline for its arrival
}

func ExampleSendFDs() {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer fdpass.CloseFDs(pair[:])

	// Standard input and output, by number. They stay open here as well.
	if err := fdpass.SendFDs(pair[0], 0, 1); err != nil {
		log.Fatal(err)
	}
	fds, err := fdpass.RecvFDs(pair[1], 2)
	fmt.Println(len(fds), err)
	fdpass.CloseFDs(fds)
	// Output: 2 <nil>
}

func ExampleRecvFDs() {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer syscall.Close(pair[1])
	fdpass.SendFDs(pair[0], 0)
	fdpass.SendFDs(pair[0])
	syscall.Close(pair[0])

	for {
		fds, err := fdpass.RecvFDs(pair[1], 1)
		if err == io.EOF {
			fmt.Println("the peer has closed")
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		// A message without descriptors is not a message with descriptor 0.
		fmt.Println("descriptors:", len(fds))
		fdpass.CloseFDs(fds)
	}
	// Output:
	// descriptors: 1
	// descriptors: 0
	// the peer has closed
}

// A Socket is a bare descriptor for functions that take a connection.
func ExampleSocket() {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer fdpass.CloseFDs(pair[:])

	if _, err := fdpass.SendMsg(fdpass.Socket(pair[0]), []byte("hello"), os.Stdin); err != nil {
		log.Fatal(err)
	}
	p := make([]byte, 100)
	n, files, err := fdpass.RecvExactly(fdpass.Socket(pair[1]), p, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer files[0].Close()
	fmt.Printf("%s with %d file\n", p[:n], len(files))
	// Output: hello with 1 file
}

// A Receiver receives many messages from one connection, and allocates no memory for
// any of them.
func ExampleNewReceiver() {
	a, b := connected("unix")
	defer b.Close()
	go func() {
		defer a.Close()
		fdpass.SendMsg(a, []byte("one"), os.Stdin)
	}()

	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 4})
	if err != nil {
		log.Fatal(err)
	}
	p := make([]byte, 4096)
	for {
		m, err := r.Recv(p)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, descriptors: %d\n", m.Payload(), len(m.FDs()))
		m.Close() // they were not taken; the next Recv would close them as well
	}
	// Output: one, descriptors: 1
}

func ExampleReceiver_Recv() {
	a, b := connected("unixpacket")
	defer a.Close()
	defer b.Close()
	fdpass.SendMsg(a, []byte("a long message"), os.Stdin, os.Stdout)

	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 2})
	if err != nil {
		log.Fatal(err)
	}
	m, err := r.Recv(make([]byte, 6))
	switch {
	case errors.Is(err, fdpass.ErrTruncated):
		fmt.Printf("%q, but its descriptors are closed\n", m.Payload())
	case errors.Is(err, fdpass.ErrPayloadTruncated):
		fmt.Printf("%q, but that is not all; descriptors: %d\n", m.Payload(), len(m.FDs()))
	case err != nil:
		log.Fatal(err)
	}
	// Output: "a long", but that is not all; descriptors: 0
}

func ExampleReceiver_RecvContext() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 1})
	if err != nil {
		log.Fatal(err)
	}

	// Nobody sends anything.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = r.RecvContext(ctx, make([]byte, 100))
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	// The connection works as before.
	fdpass.Send(a, os.Stdin)
	m, err := r.RecvContext(context.Background(), make([]byte, 100))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Println(len(m.FDs()))
	// Output:
	// true
	// 1
}

func ExampleReceiver_SetReadDeadline() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 1})
	if err != nil {
		log.Fatal(err)
	}
	r.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = r.Recv(make([]byte, 100))
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	// Output: true
}

// received returns a message that has come over a socket of the given network.
func received(network string, opts fdpass.Options, out fdpass.Outgoing) (*fdpass.Message, func()) {
	a, b := connected(network)
	r, err := fdpass.NewReceiver(b, opts)
	if err != nil {
		log.Fatal(err)
	}
	s, err := fdpass.NewSender(a)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.SendMessage(&out); err != nil {
		log.Fatal(err)
	}
	m, err := r.Recv(make([]byte, 100))
	if err != nil {
		log.Fatal(err)
	}
	return m, func() { m.Close(); a.Close(); b.Close() }
}

func ExampleMessage_TakeFDs() {
	m, done := received("unix", fdpass.Options{MaxFDs: 4},
		fdpass.Outgoing{Payload: []byte("two"), FDs: []int{0, 1}})
	defer done()

	fds := m.TakeFDs() // ours from here on
	defer fdpass.CloseFDs(fds)
	fmt.Println("taken:", len(fds), "left:", len(m.FDs()))
	// Output: taken: 2 left: 0
}

func ExampleMessage_TakeFiles() {
	m, done := received("unix", fdpass.Options{MaxFDs: 1},
		fdpass.Outgoing{Payload: []byte("one"), FDs: []int{0}})
	defer done()

	for _, f := range m.TakeFiles(string(m.Payload())) {
		fmt.Println(f.Name())
		f.Close()
	}
	// Output: one
}

// If the descriptors of many messages go into the same slice, nothing is allocated.
func ExampleMessage_TakeFDsInto() {
	m, done := received("unix", fdpass.Options{MaxFDs: 4},
		fdpass.Outgoing{Payload: []byte("three"), FDs: []int{0, 1, 2}})
	defer done()

	queue := make([]int, 0, 100)
	queue = m.TakeFDsInto(queue)
	defer fdpass.CloseFDs(queue)
	fmt.Println("in the queue:", len(queue))
	// Output: in the queue: 3
}

// processOf returns the number of the process that a pidfd stands for; proc(5).
func processOf(pidfd int) (pid int) {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd))
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range strings.Split(string(info), "\n") {
		if n, _ := fmt.Sscanf(line, "Pid: %d", &pid); n == 1 {
			return pid
		}
	}
	return -1
}

func ExampleNewSender() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	s, err := fdpass.NewSender(a)
	if err != nil {
		log.Fatal(err)
	}
	for i := range 3 {
		if _, err := s.Send([]byte{byte(i)}, 0); err != nil {
			log.Fatal(err)
		}
	}
	for range 3 {
		p := make([]byte, 100)
		n, files, err := fdpass.RecvExactly(b, p, 1)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(p[:n], len(files))
		files[0].Close()
	}
	// Output:
	// [0] 1
	// [1] 1
	// [2] 1
}

// A datagram is sent to an address, and has the address of its sender.
func ExampleMessage_From() {
	dir, err := os.MkdirTemp("", "fdpass")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := func(name string) (*net.UnixConn, *net.UnixAddr) {
		addr := &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unixgram"}
		conn, err := net.ListenUnixgram("unixgram", addr)
		if err != nil {
			log.Fatal(err)
		}
		return conn, addr
	}
	client, _ := socket("client")
	defer client.Close()
	server, address := socket("server")
	defer server.Close()

	s, err := fdpass.NewSender(client)
	if err != nil {
		log.Fatal(err)
	}
	_, err = s.SendMessage(&fdpass.Outgoing{Payload: []byte("hello"), FDs: []int{0}, To: address})
	if err != nil {
		log.Fatal(err)
	}

	r, err := fdpass.NewReceiver(server, fdpass.Options{MaxFDs: 1, From: true})
	if err != nil {
		log.Fatal(err)
	}
	m, err := r.Recv(make([]byte, 100))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Printf("%q from %s\n", m.Payload(), filepath.Base(m.From().Name))
	// Output: "hello" from client
}

func ExampleSender_SendContext() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	s, err := fdpass.NewSender(a)
	if err != nil {
		log.Fatal(err)
	}

	// The other side takes the descriptors and reads no further, so not all of
	// the payload finds room in the socket.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	received := make(chan int)
	go func() {
		files, _ := fdpass.Recv(b, 1)
		for _, f := range files {
			f.Close()
		}
		cancel()
		received <- len(files)
	}()
	large := make([]byte, 64<<20)
	n, err := s.SendContext(ctx, large, 0)
	fmt.Println("all:", n == len(large), errors.Is(err, context.Canceled))
	fmt.Println("descriptors:", <-received)
	// Output:
	// all: false true
	// descriptors: 1
}

// One recvmmsg(2) receives all messages that are there.
func ExampleBatchReceiver() {
	a, b := connected("unixgram")
	defer a.Close()
	defer b.Close()
	for i := range 3 {
		fdpass.SendMsg(a, fmt.Appendf(nil, "message %d", i), os.Stdin)
	}

	batch, err := fdpass.NewBatchReceiver(b, 16, fdpass.Options{MaxFDs: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Close()
	bufs := make([][]byte, 16)
	for i := range bufs {
		bufs[i] = make([]byte, 100)
	}
	msgs, err := batch.Recv(bufs)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range msgs {
		fds := m.TakeFDs()
		fmt.Printf("%s, descriptors: %d, %v\n", m.Payload(), len(fds), m.Err())
		fdpass.CloseFDs(fds)
	}
	// Output:
	// message 0, descriptors: 1, <nil>
	// message 1, descriptors: 1, <nil>
	// message 2, descriptors: 1, <nil>
}

// One sendmmsg(2) sends many messages, each with descriptors of its own.
func ExampleBatchSender() {
	a, b := connected("unixpacket")
	defer a.Close()
	defer b.Close()
	batch, err := fdpass.NewBatchSender(a)
	if err != nil {
		log.Fatal(err)
	}
	sent, _, err := batch.Send([]fdpass.Outgoing{
		{Payload: []byte("none")},
		{Payload: []byte("one"), FDs: []int{0}},
		{Payload: []byte("two"), FDs: []int{0, 1}},
	})
	fmt.Println("sent", sent, err)

	for range sent {
		p := make([]byte, 100)
		n, files, err := fdpass.RecvMsg(b, p, 2)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d\n", p[:n], len(files))
		for _, f := range files {
			f.Close()
		}
	}
	// Output:
	// sent 3 <nil>
	// none: 0
	// one: 1
	// two: 2
}

// In this protocol, each sendmsg(2) is one frame, which begins with its length. A
// bufio.Reader reads ahead, and still each frame gets exactly its own descriptors.
func ExampleStream() {
	a, b := connected("unix")
	defer b.Close()
	go func() {
		defer a.Close()
		frame := func(text string, files ...*os.File) {
			p := binary.BigEndian.AppendUint16(nil, uint16(len(text)))
			fdpass.SendMsg(a, append(p, text...), files...)
		}
		frame("none")
		frame("two", os.Stdin, os.Stdout)
		frame("one", os.Stderr)
	}()

	stream, err := fdpass.NewStream(b, fdpass.StreamOptions{MaxFDs: 16})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	buffered := bufio.NewReader(stream)
	for {
		var size uint16
		if err := binary.Read(buffered, binary.BigEndian, &size); err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(buffered, text); err != nil {
			log.Fatal(err)
		}
		consumed := stream.Offset() - int64(buffered.Buffered())
		fds, err := stream.TakeFDs(consumed)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d\n", text, len(fds))
		fdpass.CloseFDs(fds)
	}
	// Output:
	// none: 0
	// two: 2
	// one: 1
}

// In this protocol, one sendmsg(2) carries many messages, as in Wayland. The type of
// a message says how many descriptors it takes from the queue.
func ExampleStream_TakeNextFDs() {
	a, b := connected("unix")
	left, err := fdpass.NewStream(a, fdpass.StreamOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer left.Close()
	right, err := fdpass.NewStream(b, fdpass.StreamOptions{MaxFDs: 16})
	if err != nil {
		log.Fatal(err)
	}
	defer right.Close()

	// Four messages of one byte: how many descriptors each takes.
	left.Send([]byte{0, 2, 0, 1}, 0, 1, 2)

	for range 4 {
		var takes [1]byte
		if _, err := io.ReadFull(right, takes[:]); err != nil {
			log.Fatal(err)
		}
		fds, err := right.TakeNextFDs(int(takes[0]))
		fmt.Println(len(fds), err)
		fdpass.CloseFDs(fds)
	}
	// Output:
	// 0 <nil>
	// 2 <nil>
	// 0 <nil>
	// 1 <nil>
}

// AppendRights needs no socket.
func ExampleAppendRights() {
	b := fdpass.AppendRights(nil, 3, 4, 5)
	fmt.Println("padded:", len(b) == fdpass.CmsgSpace(3*4))
	for c, err := range fdpass.ParseControls(b) {
		if err != nil {
			log.Fatal(err)
		}
		fds, err := c.Rights(nil)
		fmt.Println(fds, err)
	}
	// Output:
	// padded: true
	// [3 4 5] <nil>
}

func ExampleAppendControl() {
	var b []byte
	b = fdpass.AppendControl(b, rawmsg.SOL_SOCKET, rawmsg.SCM_SECURITY, []byte("label"))
	b = fdpass.AppendRights(b, 7)
	for c := range fdpass.ParseControls(b) {
		label, ok := c.SecurityLabel()
		fmt.Printf("type %d: %q %v\n", c.Type, label, ok)
	}
	// Output:
	// type 3: "label" true
	// type 1: "" false
}

// The messages before a malformed place are valid, and their descriptors are open.
func ExampleParseControls() {
	b := fdpass.AppendRights(nil, 7)
	b = append(b, make([]byte, fdpass.CmsgLen(0))...) // a header with cmsg_len 0
	for c, err := range fdpass.ParseControls(b) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fds, _ := c.Rights(nil)
		fmt.Println("to be closed:", fds)
	}
	// Output:
	// to be closed: [7]
	// fdpass: malformed control message
}
