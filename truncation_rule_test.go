//go:build linux

package fdpass_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// receive receives one message with at most one descriptor, the payload into p.
// It returns what the function under test returned: how many bytes, how many
// descriptors, and what is wrong.
type receive func(conn *net.UnixConn, p []byte) (n, fds int, err error)

// receiving has all functions that receive.
var receiving = []struct {
	name    string
	payload bool // it returns the payload
	kept    bool // it hands over what came of a truncated message
	only    string
	receive receive
}{
	{name: "RecvFDs", receive: func(conn *net.UnixConn, _ []byte) (n, fds int, err error) {
		return onDescriptor(conn, func(sock int) (int, int, error) {
			got, err := fdpass.RecvFDs(sock, 1)
			return 0, len(got), errors.Join(err, fdpass.CloseFDs(got))
		})
	}},
	{name: "Recv", receive: func(conn *net.UnixConn, _ []byte) (n, fds int, err error) {
		files, err := fdpass.Recv(conn, 1)
		return 0, closed(files), err
	}},
	{name: "RecvFile", receive: func(conn *net.UnixConn, _ []byte) (n, fds int, err error) {
		f, err := fdpass.RecvFile(conn)
		if f != nil {
			return 0, closed([]*os.File{f}), err
		}
		return 0, 0, err
	}},
	{name: "RecvMsg", payload: true, receive: func(conn *net.UnixConn, p []byte) (n, fds int, err error) {
		n, files, err := fdpass.RecvMsg(conn, p, 1)
		return n, closed(files), err
	}},
	{name: "RecvMsgFDs", payload: true, receive: func(conn *net.UnixConn, p []byte) (n, fds int, err error) {
		n, got, err := fdpass.RecvMsgFDs(conn, p, 1)
		return n, len(got), errors.Join(err, fdpass.CloseFDs(got))
	}},
	{name: "RecvExactly", payload: true, receive: func(conn *net.UnixConn, p []byte) (n, fds int, err error) {
		n, files, err := fdpass.RecvExactly(conn, p, 1)
		return n, closed(files), err
	}},
	{name: "Receiver.Recv", payload: true,
		receive: onReceiver(fdpass.Options{MaxFDs: 1}, (*fdpass.Receiver).Recv)},
	{name: "Receiver.TryRecv", payload: true,
		receive: onReceiver(fdpass.Options{MaxFDs: 1}, (*fdpass.Receiver).TryRecv)},
	{name: "Receiver.Peek", payload: true,
		receive: onReceiver(fdpass.Options{MaxFDs: 1}, (*fdpass.Receiver).Peek)},
	{name: "Receiver.RecvContext", payload: true, receive: onReceiver(fdpass.Options{MaxFDs: 1},
		func(r *fdpass.Receiver, p []byte) (*fdpass.Message, error) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			return r.RecvContext(ctx, p)
		})},
	{name: "Receiver.Recv with KeepTruncated", payload: true, kept: true,
		receive: onReceiver(fdpass.Options{MaxFDs: 1, KeepTruncated: true}, (*fdpass.Receiver).Recv)},
	{name: "BatchReceiver.Recv", payload: true, receive: onBatch(fdpass.Options{MaxFDs: 1})},
	{name: "BatchReceiver.Recv with KeepTruncated", payload: true, kept: true,
		receive: onBatch(fdpass.Options{MaxFDs: 1, KeepTruncated: true})},
	{name: "Stream.Read", payload: true, only: "unix", receive: onStream((*fdpass.Stream).Read)},
	{name: "Stream.ReadContext", payload: true, only: "unix", receive: onStream(
		func(s *fdpass.Stream, p []byte) (int, error) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			return s.ReadContext(ctx, p)
		})},
}

// closed closes files and returns how many there were.
func closed(files []*os.File) int {
	for _, f := range files {
		f.Close()
	}
	return len(files)
}

// onDescriptor calls f with the number of a connection.
func onDescriptor(conn *net.UnixConn, f func(sock int) (int, int, error)) (n, fds int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	cerr := raw.Control(func(fd uintptr) { n, fds, err = f(int(fd)) })
	return n, fds, errors.Join(err, cerr)
}

func onReceiver(opts fdpass.Options, recv func(*fdpass.Receiver, []byte) (*fdpass.Message, error)) receive {
	return func(conn *net.UnixConn, p []byte) (n, fds int, err error) {
		r, err := fdpass.NewReceiver(conn, opts)
		if err != nil {
			return 0, 0, err
		}
		defer r.Close()
		m, err := recv(r, p)
		if m == nil {
			return 0, 0, err
		}
		if !opts.KeepTruncated && err != m.Err() {
			return 0, 0, fmt.Errorf("returned %v, and Err says %v", err, m.Err())
		}
		return len(m.Payload()), len(m.FDs()), m.Err()
	}
}

func onBatch(opts fdpass.Options) receive {
	return func(conn *net.UnixConn, p []byte) (n, fds int, err error) {
		r, err := fdpass.NewBatchReceiver(conn, 2, opts)
		if err != nil {
			return 0, 0, err
		}
		defer r.Close()
		msgs, err := r.Recv([][]byte{p})
		if err != nil {
			return 0, 0, err
		}
		return len(msgs[0].Payload()), len(msgs[0].FDs()), msgs[0].Err()
	}
}

func onStream(read func(*fdpass.Stream, []byte) (int, error)) receive {
	return func(conn *net.UnixConn, p []byte) (n, fds int, err error) {
		s, err := fdpass.NewStream(conn, fdpass.StreamOptions{MaxFDs: 1})
		if err != nil {
			return 0, 0, err
		}
		defer s.Close()
		n, err = read(s, p)
		got, terr := s.TakeFDs(s.Offset())
		if terr != err {
			err = fmt.Errorf("read %v, and TakeFDs says %v", err, terr)
		}
		return n, len(got), errors.Join(err, fdpass.CloseFDs(got))
	}
}

// The rule is: the error says what is wrong and why, the payload is returned, and
// nothing stays open, unless the caller has asked for what came.
func TestDoAllReceivingFunctionsHaveOneRuleOfTruncation(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for _, what := range []struct {
		name      string
		fds, room int  // sent, and how many more the table takes
		short     bool // the payload does not fit
		is, isNot []error
		kept      int
	}{
		{name: "all of it", fds: 1, room: 9,
			isNot: []error{fdpass.ErrTruncated, fdpass.ErrPayloadTruncated}, kept: 1},
		{name: "surplus", fds: 2, room: 9, is: []error{fdpass.ErrTruncated},
			isNot: []error{syscall.EMFILE, fdpass.ErrPayloadTruncated, fdpass.ErrMalformed}, kept: 1},
		{name: "a full table", fds: 1, room: 0, is: []error{fdpass.ErrTruncated, syscall.EMFILE},
			isNot: []error{fdpass.ErrPayloadTruncated, fdpass.ErrTooManyFDs, fdpass.ErrMalformed}},
		{name: "a short buffer", fds: 1, room: 9, short: true, is: []error{fdpass.ErrPayloadTruncated},
			isNot: []error{fdpass.ErrTruncated, syscall.EMFILE}, kept: 1},
		{name: "surplus and a short buffer", fds: 2, room: 9, short: true,
			is:    []error{fdpass.ErrTruncated, fdpass.ErrPayloadTruncated},
			isNot: []error{syscall.EMFILE}, kept: 1},
	} {
		for network := range fdtest.Types {
			for _, f := range receiving {
				if f.only != "" && f.only != network || what.short && (network == "unix" || !f.payload) {
					continue
				}
				t.Run(fmt.Sprint(f.name, " ", network, " ", what.name), func(t *testing.T) {
					if f.name == "Receiver.Peek" {
						fdtest.NeedsLinux(t, "a peek with descriptors")
					}
					fdtest.NoLeak(t)
					a, b := fdtest.Conns(t, network)
					if err := b.SetDeadline(time.Now().Add(time.Minute)); err != nil {
						t.Fatal(err)
					}
					_, err := fdpass.SendMsgFDs(a, []byte("payload"), fdtest.FDs(t, what.fds)...)
					if err != nil {
						t.Fatal(err)
					}
					p, want := make([]byte, 100), len("payload")
					if what.short {
						p, want = p[:3], 3
					}
					restore := fdtest.LimitTable(t, what.room)
					n, fds, err := f.receive(b, p)
					restore()
					for _, e := range what.is {
						if !errors.Is(err, e) {
							t.Errorf("%v is not %v", err, e)
						}
					}
					for _, e := range what.isNot {
						if errors.Is(err, e) {
							t.Errorf("%v is %v", err, e)
						}
					}
					if len(what.is) == 0 && err != nil {
						t.Error(err)
					}
					if f.payload && (n != want || string(p[:n]) != "payload"[:want]) {
						t.Errorf("the payload is %q", p[:n])
					}
					if wantFDs := map[bool]int{true: what.kept}[f.kept || len(what.is) == 0]; fds != wantFDs {
						t.Errorf("%d descriptors were handed over, want %d", fds, wantFDs)
					}
				})
			}
		}
	}
}
