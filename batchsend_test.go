//go:build linux

package fdpass_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// batchSender makes a BatchSender on conn.
func batchSender(t *testing.T, conn syscall.Conn) *fdpass.BatchSender {
	t.Helper()
	s, err := fdpass.NewBatchSender(conn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outgoing makes messages. Message i has i as payload, and the first i+1 of fds.
func outgoing(fds []int) (msgs []fdpass.Outgoing) {
	for i := range fds {
		msgs = append(msgs, fdpass.Outgoing{Payload: fmt.Append(nil, i), FDs: fds[:i+1]})
	}
	return msgs
}

func TestDoesABatchSendEachMessageItsOwn(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			s := batchSender(t, fdpass.Socket(a))
			r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{
				MaxFDs: 5, Credentials: !fdtest.Portable,
			})
			fds := fdtest.FDs(t, 5)
			msgs := outgoing(fds)
			cred := ownCredentials()
			if !fdtest.Portable {
				msgs[3].Credentials = &cred
			}
			for range 2 {
				if n, part, err := s.Send(msgs); n != 5 || part != 0 || err != nil {
					t.Fatal(n, part, err)
				}
				for i := range msgs {
					m, err := r.Recv(make([]byte, 16))
					if err != nil || !bytes.Equal(m.Payload(), msgs[i].Payload) {
						t.Fatalf("message %d: %v", i, err)
					}
					want, got := fdtest.IDs(t, fds[:i+1]...), fdtest.IDs(t, m.FDs()...)
					if !slices.Equal(got, want) {
						t.Errorf("message %d: got %v, want %v", i, got, want)
					}
					m.Close()
				}
			}
			if n, part, err := s.Send(nil); n != 0 || part != 0 || err != nil {
				t.Errorf("an empty batch: %d, %d, %v", n, part, err)
			}
		})
	}
}

func TestWhereDoesABatchBreakOff(t *testing.T) {
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, typ)
			s := batchSender(t, fdpass.Socket(a))
			msgs := outgoing(fdtest.FDs(t, 4))
			msgs[2].FDs = []int{msgs[2].FDs[0], 1 << 20}
			n, part, err := s.Send(msgs)
			if n != 2 || part != 0 || !errors.Is(err, syscall.EBADF) {
				t.Errorf("%d messages and %d bytes went, %v", n, part, err)
			}
			for i := range 2 {
				fdtest.Expect(t, b, 16, fmt.Sprint(i), i+1, 0)
			}
			if r, err := fdtest.TryRecvmsg(t, b, 16, 256, 0); err != syscall.EAGAIN {
				t.Errorf("after it came %q, %v", r.Payload, err)
			}
			// The rest can be sent.
			msgs[2].FDs = nil
			if n, _, err := s.Send(msgs[n:]); n != 2 || err != nil {
				t.Errorf("the rest: %d, %v", n, err)
			}
			for range 2 {
				if r, err := fdtest.TryRecvmsg(t, b, 1, 256, 0); err != nil || len(r.Payload) != 1 {
					t.Errorf("the rest: %q, %v", r.Payload, err)
				}
			}
		})
	}
}

func TestDoesAMessageThatCannotBeSentKeepTheBatchBack(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	s := batchSender(t, fdpass.Socket(a))
	fds := fdtest.FDs(t, 2)
	for _, c := range []struct {
		bad  fdpass.Outgoing
		want error
	}{
		{fdpass.Outgoing{Payload: []byte("x"), FDs: slices.Repeat(fds, 127)}, fdpass.ErrTooManyFDs},
		{fdpass.Outgoing{FDs: fds}, fdpass.ErrNoPayload},
		{fdpass.Outgoing{Payload: []byte("x"), To: &net.UnixAddr{}}, syscall.EINVAL},
	} {
		n, part, err := s.Send(append(outgoing(fds), c.bad))
		if n != 0 || part != 0 || !errors.Is(err, c.want) {
			t.Errorf("%d, %d, %v, want %v", n, part, err, c.want)
		}
	}
	if r, err := fdtest.TryRecvmsg(t, b, 16, 256, 0); err != syscall.EAGAIN {
		t.Errorf("something came: %q, %v", r.Payload, err)
	}
}

// The files of a batch that was refused are not those of the next one.
func TestDoesABatchSendFilesOfOneThatWasRefused(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	s := batchSender(t, a)
	files := fdtest.Files(t, 2)
	refused := []fdpass.Outgoing{{Payload: []byte("x"), Files: files[:1]}, {Files: files[:1]}}
	if n, _, err := s.Send(refused); n != 0 || !errors.Is(err, fdpass.ErrNoPayload) {
		t.Fatalf("%d messages went, %v", n, err)
	}
	if n, _, err := s.Send([]fdpass.Outgoing{{Payload: []byte("y"), Files: files[1:]}}); n != 1 || err != nil {
		t.Fatalf("%d messages went, %v", n, err)
	}
	f, err := fdpass.RecvFile(b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, len(fdtest.Contents(1)))
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != fdtest.Contents(1) {
		t.Errorf("the file that came holds %q, %v", got, err)
	}
}

func TestWhomDoTheAddressesOfABatchReach(t *testing.T) {
	fdtest.NoLeak(t)
	dir := fdtest.SocketDir(t)
	s := batchSender(t, bound(t, filepath.Join(dir, "from")))
	msgs := outgoing(fdtest.FDs(t, 3))
	var to []*net.UnixConn
	for i := range msgs {
		to = append(to, bound(t, filepath.Join(dir, fmt.Sprint(i))))
		to[i].SetDeadline(fdtest.Soon())
		msgs[i].To = to[i].LocalAddr().(*net.UnixAddr)
	}
	msgs = append(msgs, fdpass.Outgoing{
		Payload: []byte("x"), To: &net.UnixAddr{Name: filepath.Join(dir, "none")},
	})
	if n, _, err := s.Send(msgs); n != 3 || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("%d went, %v", n, err)
	}
	for i := range to {
		p := make([]byte, 16)
		n, files, err := fdpass.RecvMsg(to[i], p, 3)
		if err != nil || string(p[:n]) != fmt.Sprint(i) || len(files) != i+1 {
			t.Errorf("socket %d: %q, %d files, %v", i, p[:n], len(files), err)
		}
		for _, f := range files {
			f.Close()
		}
	}
}

func TestIsABatchLongerThanTheKernelTakes(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	const count = 2500 // sendmmsg takes 1024
	msgs := slices.Repeat([]fdpass.Outgoing{{Payload: []byte("x"), FDs: fdtest.FDs(t, 1)}}, count)
	s, done := batchSender(t, a), make(chan error)
	go func() {
		n, _, err := s.Send(msgs)
		if err == nil && n != count {
			err = fmt.Errorf("%d messages of %d went", n, count)
		}
		a.Close()
		done <- err
	}()
	data, fds := drain(t, b, 1)
	if err := <-done; err != nil || len(data) != count || fds != count {
		t.Errorf("%d bytes and %d descriptors came, %v", len(data), fds, err)
	}
}

const qemuShort = "its sendmmsg goes on after a message that went in part"

func TestHowMuchOfABatchWentWhenTheDeadlineWasOver(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuShort)
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	fds := fdtest.FDs(t, 4)
	msgs := outgoing(fds)
	for i := range msgs {
		msgs[i].Payload = bytes.Repeat(msgs[i].Payload, 100000)
	}
	a.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, part, err := batchSender(t, a).Send(msgs)
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == len(msgs) || part == 100000 {
		t.Fatalf("%d messages and %d bytes went, %v", n, part, err)
	}
	a.Close()
	want := n * (n + 1) / 2
	if part > 0 {
		want += n + 1
	}
	data, got := drain(t, b, 4)
	if len(data) != n*100000+part || got != want {
		t.Errorf("%d messages and %d bytes went, %d bytes and %d descriptors came", n, part, len(data), got)
	}
	for i, digit := range data {
		if digit != byte('0'+i/100000) {
			t.Fatalf("byte %d is %q", i, digit)
		}
	}
}

func TestAreDescriptorsSentTwiceWithAShortBatch(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuShort)
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	a.SetWriteBuffer(1 << 12)
	msgs := outgoing(fdtest.FDs(t, 4))
	for i := range msgs {
		msgs[i].Payload = bytes.Repeat(msgs[i].Payload, 100000)
	}
	s, done := batchSender(t, a), make(chan error)
	go func() {
		n, part, err := s.Send(msgs)
		if err == nil && (n != 4 || part != 0) {
			err = io.ErrShortWrite
		}
		a.CloseWrite()
		done <- err
	}()
	data, fds := drain(t, b, 4)
	if err := <-done; err != nil || fds != 1+2+3+4 || len(data) != 400000 {
		t.Errorf("%d bytes and %d descriptors came, %v", len(data), fds, err)
	}
}

// Files and numbers of each message go together, and payloads in several pieces.
func TestDoesABatchOfFilesArrive(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	s, err := fdpass.NewBatchSender(a)
	if err != nil {
		t.Fatal(err)
	}
	files := fdtest.Files(t, 3)
	fds := fdtest.FDs(t, 2)
	closed := fdtest.Files(t, 1)[0]
	closed.Close()
	n, _, err := s.Send([]fdpass.Outgoing{{Payload: []byte("x"), Files: []*os.File{files[0], closed}}})
	if n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed file: %d, %v", n, err)
	}
	n, _, err = s.Send([]fdpass.Outgoing{
		{Payload: []byte("a"), Files: files[:1]},
		{Payload: []byte("b"), More: [][]byte{[]byte("c"), []byte("d")}, FDs: fds, Files: files[1:]},
		{Payload: []byte("e")},
	})
	if n != 3 || err != nil {
		t.Fatal(n, err)
	}
	for _, want := range []struct {
		payload string
		fds     []int
		files   []*os.File
	}{{"a", nil, files[:1]}, {"bcd", fds, files[1:]}, {"e", nil, nil}} {
		p := make([]byte, 9)
		n, got, err := fdpass.RecvMsgFDs(b, p, 9)
		if err != nil || string(p[:n]) != want.payload {
			t.Fatalf("%q, %v", p[:n], err)
		}
		ids := fdtest.IDs(t, want.fds...)
		for _, f := range want.files {
			ids = append(ids, fdtest.IDs(t, int(f.Fd()))...)
		}
		if !slices.Equal(fdtest.IDs(t, got...), ids) {
			t.Errorf("%s has %d descriptors, want %d", want.payload, len(got), len(ids))
		}
		fdtest.Close(t, got...)
	}
}
