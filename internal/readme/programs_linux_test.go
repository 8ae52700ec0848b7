package readme

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"example.com/fdpass"
	"example.com/fdpass/rawmsg"
)

// A program for each row of the README's table, as the package documentation
// teaches to write it. None of them looks at what a peer could do wrong more than
// that takes.

func oneFile(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	file, err := fdpass.RecvFile(conn)
	if err != nil {
		return err
	}
	defer file.Close()
	return fdpass.Send(conn, file)
}

func exactly(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	p := make([]byte, 100)
	n, files, err := fdpass.RecvExactly(conn, p, 2)
	if err != nil {
		return err
	}
	defer files[0].Close()
	defer files[1].Close()
	_, err = fdpass.SendMsg(conn, p[:n], files[1], files[0])
	return err
}

func someOrNone(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, files, err := fdpass.RecvMsg(conn, make([]byte, 100), 2)
	if err != nil {
		return err
	}
	more, err := fdpass.Recv(conn, 2)
	for _, f := range append(files, more...) {
		f.Close()
	}
	if err != io.EOF {
		return fmt.Errorf("after the first message: %w", err)
	}
	return nil
}

func numbers(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	p := make([]byte, 100)
	n, fds, err := fdpass.RecvMsgFDs(conn, p, 2)
	if err != nil {
		return err
	}
	defer fdpass.CloseFDs(fds)
	_, err = fdpass.SendMsgFDs(conn, p[:n], fds...)
	return err
}

func bareDescriptor(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	f, err := descriptor(ctx, conn)
	if err != nil {
		return err
	}
	defer f.Close()
	sock := int(f.Fd())
	fds, err := fdpass.RecvFDs(sock, 2)
	if err != nil {
		return err
	}
	defer fdpass.CloseFDs(fds)
	return fdpass.SendFDs(sock, fds...)
}

func manyMessages(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := fdpass.NewReceiver(conn, fdpass.Options{MaxFDs: 1, Credentials: true})
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := fdpass.NewSender(conn)
	if err != nil {
		return err
	}
	p := make([]byte, 100)
	for n := 0; ; n++ {
		m, err := r.RecvContext(ctx, p)
		if err == io.EOF && n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		f, err := m.TakeFile("from the client")
		if err != nil {
			return err
		}
		_, err = s.SendMessage(&fdpass.Outgoing{Payload: m.Payload(), Files: []*os.File{f}})
		f.Close()
		if err != nil {
			return err
		}
	}
}

func batches(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := fdpass.NewBatchReceiver(conn, 4, fdpass.Options{MaxFDs: 2})
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := fdpass.NewBatchSender(conn)
	if err != nil {
		return err
	}
	msgs, err := r.Recv([][]byte{make([]byte, 100), make([]byte, 100), make([]byte, 100), make([]byte, 100)})
	if err != nil {
		return err
	}
	var out []fdpass.Outgoing
	for _, m := range msgs {
		if err := m.Err(); err != nil {
			return err
		}
		out = append(out, fdpass.Outgoing{Payload: m.Payload(), FDs: m.FDs()}) // still the message's
	}
	_, _, err = s.Send(out)
	return err
}

// oneMessageEach decodes messages of one byte, which says how many descriptors
// the message has.
func oneMessageEach(ctx context.Context, l *net.UnixListener) error {
	return decode(ctx, l, func(s *fdpass.Stream, in *bufio.Reader, n int) error {
		fds, err := s.TakeFDs(s.Offset() - int64(in.Buffered()))
		if err != nil {
			return err
		}
		defer fdpass.CloseFDs(fds)
		if len(fds) != n {
			return fmt.Errorf("a message has %d descriptors instead of %d", len(fds), n)
		}
		return nil
	})
}

func manyMessagesEach(ctx context.Context, l *net.UnixListener) error {
	return decode(ctx, l, func(s *fdpass.Stream, in *bufio.Reader, n int) error {
		fds, err := s.TakeNextFDs(n)
		return errors.Join(err, fdpass.CloseFDs(fds))
	})
}

// decode reads the messages of a client to their end.
func decode(ctx context.Context, l *net.UnixListener,
	message func(*fdpass.Stream, *bufio.Reader, int) error) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	s, err := fdpass.NewStream(conn, fdpass.StreamOptions{MaxFDs: 2})
	if err != nil {
		conn.Close()
		return err
	}
	defer s.Close()
	in := bufio.NewReader(s)
	for count := 0; ; count++ {
		n, err := in.ReadByte()
		if err == io.EOF && count > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if err := message(s, in, int(n)); err != nil {
			return err
		}
	}
}

// passOn is between the client and a server that answers nothing.
func passOn(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	back, server, err := fdpass.Pair("unix")
	if err != nil {
		conn.Close()
		return err
	}
	served := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, server)
		server.Close()
		served <- n
	}()
	err = fdpass.Relay(ctx, conn, back)
	if n := <-served; err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func credentials(ctx context.Context, l *net.UnixListener) error {
	if err := (fdpass.Options{Credentials: true}).Apply(l); err != nil {
		return err
	}
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := fdpass.NewReceiver(conn, fdpass.Options{MaxFDs: 1, Credentials: true})
	if err != nil {
		return err
	}
	defer r.Close()
	m, err := r.Recv(make([]byte, 100))
	if err != nil {
		return err
	}
	if cred, ok := m.Credentials(); !ok || int(cred.UID) != os.Getuid() {
		return fmt.Errorf("a message of %+v", cred)
	}
	fd, err := m.TakeFD()
	if err != nil {
		return err
	}
	return fdpass.CloseFDs([]int{fd})
}

// codec makes the calls itself and leaves reading and writing the control buffer
// to the functions for it.
func codec(ctx context.Context, l *net.UnixListener) error {
	conn, err := accept(ctx, l)
	if err != nil {
		return err
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	p, control := make([]byte, 100), make([]byte, fdpass.CmsgLen(4)) // room for one
	iov := rawmsg.Iovec{Base: unsafe.SliceData(p), Len: uintptr(len(p))}
	msg := rawmsg.Msghdr{
		Iov: &iov, Iovlen: 1, Control: unsafe.SliceData(control), Controllen: uintptr(len(control)),
	}
	rerr := raw.Read(func(fd uintptr) bool {
		_, err = rawmsg.Recvmsg(int(fd), &msg, rawmsg.MSG_CMSG_CLOEXEC|rawmsg.MSG_DONTWAIT)
		return err != syscall.EAGAIN
	})
	if rerr != nil || err != nil {
		return errors.Join(rerr, err)
	}
	var fds []int
	for c, err := range fdpass.ParseControls(control[:msg.Controllen]) {
		if err == nil {
			fds, err = c.Rights(fds)
		}
		if err != nil {
			return errors.Join(err, fdpass.CloseFDs(fds))
		}
	}
	defer fdpass.CloseFDs(fds)
	if msg.Flags&rawmsg.MSG_CTRUNC != 0 || len(fds) != 1 {
		return fmt.Errorf("%d descriptors, and flags %#x", len(fds), msg.Flags)
	}
	out := fdpass.AppendRights(nil, fds...)
	same := fdpass.AppendControl(nil, rawmsg.SOL_SOCKET, rawmsg.SCM_RIGHTS,
		control[fdpass.CmsgLen(0):fdpass.CmsgLen(4)])
	if string(same) != string(out) {
		return fmt.Errorf("% x and % x", same, out)
	}
	return nil
}
