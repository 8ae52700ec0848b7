//go:build linux

package facts

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestWhatDoesReadMsgUnixDoWithAnEmptyBuffer(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	if _, err := fdpass.SendMsg(a, []byte("hello"), fdtest.Files(t, 1)...); err != nil {
		t.Fatal(err)
	}
	oob := make([]byte, 256)
	n, oobn, _, _, err := b.ReadMsgUnix(nil, oob)
	if n != 1 || err != nil {
		t.Errorf("it says %d bytes, %v; it said 1", n, err)
	}
	closeRights(t, oob[:oobn], 1)
	p := make([]byte, 16)
	if n, err := b.Read(p); err != nil || string(p[:n]) != "ello" {
		t.Errorf("left were %q, %v; the first byte was gone", p[:n], err)
	}
}

func TestWhatDoesWriteMsgUnixSendWithoutPayload(t *testing.T) {
	for network, want := range map[string]string{"unix": "\x00", "unixgram": "", "unixpacket": "\x00"} {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			_, _, err := a.WriteMsgUnix(nil, fdpass.AppendRights(nil, fdtest.FDs(t, 1)...), nil)
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 16)
			n, files, err := fdpass.RecvMsg(b, p, 1)
			if err != nil || string(p[:n]) != want || len(files) != 1 {
				t.Fatalf("got %q, %v, %v", p[:n], files, err)
			}
			files[0].Close()
		})
	}
}

func TestIsAnEmptyMessageWithDescriptorsTheEnd(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	for range 2 {
		if _, err := fdpass.SendMsg(a, nil, fdtest.Files(t, 1)...); err != nil {
			t.Fatal(err)
		}
	}
	p, oob := make([]byte, 16), make([]byte, 256)
	n, oobn, _, _, err := b.ReadMsgUnix(p, oob)
	if n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadMsgUnix says %d, %v; it said EOF", n, err)
	}
	closeRights(t, oob[:oobn], 1)
	n, files, err := fdpass.RecvMsg(b, p, 1)
	if n != 0 || err != nil || len(files) != 1 {
		t.Fatalf("RecvMsg says %d, %v, %v", n, files, err)
	}
	files[0].Close()
}

func TestDoesParseUnixRightsPanic(t *testing.T) {
	for n := range 9 {
		data := make([]byte, n)
		panics := func() (p bool) {
			defer func() { p = recover() != nil }()
			m := syscall.SocketControlMessage{Data: data}
			m.Header.Level, m.Header.Type = syscall.SOL_SOCKET, syscall.SCM_RIGHTS
			syscall.ParseUnixRights(&m)
			return false
		}()
		if want := n%4 != 0; panics != want {
			t.Errorf("%d bytes: syscall panics: %v; it did: %v", n, panics, want)
		}
		c := fdpass.Control{Level: rawmsg.SOL_SOCKET, Type: rawmsg.SCM_RIGHTS, Data: data}
		fds, err := c.Rights(nil)
		if len(fds) != n/4 || (err == fdpass.ErrMalformed) != (n%4 != 0) {
			t.Errorf("%d bytes: got %v, %v", n, fds, err)
		}
	}
}

func TestDoesABadTailHideTheGoodMessages(t *testing.T) {
	b := fdpass.AppendRights(nil, 7)
	b = fdpass.AppendRights(b, 8)
	good := len(b)
	b = fdpass.AppendRights(b, 9)
	b[good] = byte(fdpass.CmsgLen(64)) // longer than the buffer; the low byte on little-endian machines
	b[good+fdtest.ByWord(7, 3)] = byte(fdpass.CmsgLen(64))
	if msgs, err := syscall.ParseSocketControlMessage(b); err == nil || msgs != nil {
		t.Errorf("syscall says %v, %v; it said EINVAL and nothing else", msgs, err)
	}
	var fds []int
	var last error
	for c, err := range fdpass.ParseControls(b) {
		fds, _ = c.Rights(fds)
		last = err
	}
	if len(fds) != 2 || fds[0] != 7 || fds[1] != 8 || last != fdpass.ErrMalformed {
		t.Errorf("got %v, %v", fds, last)
	}
}

func TestIsErrnoZeroAnError(t *testing.T) {
	if os.NewSyscallError("recvmsg", syscall.Errno(0)) == nil {
		t.Error("it is nil; it was not")
	}
	// Errors of this package's calls come from an error that is nil then.
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	if err := fdpass.SendFDs(a); err != nil {
		t.Error(err)
	}
	if _, err := fdpass.RecvFDs(b, 0); err != nil {
		t.Error(err)
	}
}
