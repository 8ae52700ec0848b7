//go:build linux

package fdpass_test

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// onConn has every function that takes a connection.
var onConn = map[string]func(conn syscall.Conn) error{
	"Recv": func(c syscall.Conn) error { _, err := fdpass.Recv(c, 1); return err },
	"RecvMsg": func(c syscall.Conn) error {
		_, _, err := fdpass.RecvMsg(c, make([]byte, 1), 1)
		return err
	},
	"Send":    func(c syscall.Conn) error { return fdpass.Send(c) },
	"SendMsg": func(c syscall.Conn) error { _, err := fdpass.SendMsg(c, []byte("x")); return err },
	"NewReceiver": func(c syscall.Conn) error {
		_, err := fdpass.NewReceiver(c, fdpass.Options{})
		return err
	},
	"NewSender": func(c syscall.Conn) error { _, err := fdpass.NewSender(c); return err },
	"NewBatchReceiver": func(c syscall.Conn) error {
		_, err := fdpass.NewBatchReceiver(c, 1, fdpass.Options{})
		return err
	},
	"NewBatchSender": func(c syscall.Conn) error { _, err := fdpass.NewBatchSender(c); return err },
	"NewStream": func(c syscall.Conn) error {
		_, err := fdpass.NewStream(c, fdpass.StreamOptions{MaxFDs: 1})
		return err
	},
	"PeerCredentials": func(c syscall.Conn) error { _, err := fdpass.PeerCredentials(c); return err },
	"PeerPIDFD":       func(c syscall.Conn) error { _, err := fdpass.PeerPIDFD(c); return err },
}

func TestWhatIsSaidOfAConnectionThatIsNone(t *testing.T) {
	fdtest.NoLeak(t)
	tcp := fdtest.Socket(t, syscall.AF_INET, syscall.SOCK_STREAM)
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer fdtest.Close(t, epoll)
	file := fdtest.Files(t, 1)[0]
	closedConn, _ := fdtest.Conns(t, "unix")
	closedConn.Close()
	closedFile := fdtest.Files(t, 1)[0]
	closedFile.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	for _, c := range []struct {
		name string
		conn syscall.Conn
		want error
	}{
		{"nothing", nil, syscall.EINVAL},
		{"a nil *net.UnixConn", (*net.UnixConn)(nil), syscall.EINVAL},
		{"a nil *os.File", (*os.File)(nil), syscall.EINVAL},
		{"a file", file, syscall.ENOTSOCK},
		{"a pipe", w, syscall.ENOTSOCK},
		{"a closed connection", closedConn, net.ErrClosed},
		{"a closed file", closedFile, net.ErrClosed},
		{"a closed pipe", r, net.ErrClosed},
		{"a descriptor of a file", fdpass.Socket(file.Fd()), syscall.ENOTSOCK},
		{"a negative descriptor", fdpass.Socket(-1), syscall.EBADF},
		{"no descriptor", fdpass.Socket(1 << 20), syscall.EBADF},
		{"an epoll descriptor", fdpass.Socket(epoll), syscall.ENOTSOCK},
		{"a TCP socket", fdpass.Socket(tcp), fdpass.ErrNotUnix},
	} {
		for name, call := range onConn {
			if err := call(c.conn); !errors.Is(err, c.want) {
				t.Errorf("%s of %s: %v, want %v", name, c.name, err, c.want)
			}
		}
	}
}

func TestWhatIsSaidOfABareDescriptorThatIsNoSocket(t *testing.T) {
	fdtest.NoLeak(t)
	file := fdtest.FDs(t, 1)[0]
	for _, c := range []struct {
		fd   int
		want error
	}{{-1, syscall.EBADF}, {1 << 20, syscall.EBADF}, {file, syscall.ENOTSOCK}} {
		if _, err := fdpass.RecvFDs(c.fd, 1); !errors.Is(err, c.want) {
			t.Errorf("receiving from %d: %v, want %v", c.fd, err, c.want)
		}
		if err := fdpass.SendFDs(c.fd, file); !errors.Is(err, c.want) {
			t.Errorf("sending over %d: %v, want %v", c.fd, err, c.want)
		}
	}
}

func TestAreNegativeNumbersRefused(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Recv":    func() error { _, err := fdpass.Recv(b, -1); return err },
		"RecvMsg": func() error { _, _, err := fdpass.RecvMsg(b, make([]byte, 1), -1); return err },
		"RecvFDs": func() error { _, err := fdpass.RecvFDs(0, -1); return err },
		"MaxFDs": func() error {
			_, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: -1})
			return err
		},
		"ExtraRoom": func() error {
			_, err := fdpass.NewReceiver(b, fdpass.Options{ExtraRoom: -1})
			return err
		},
		"NewBatchReceiver": func() error {
			_, err := fdpass.NewBatchReceiver(b, -1, fdpass.Options{})
			return err
		},
		"an empty batch": func() error {
			_, err := fdpass.NewBatchReceiver(b, 0, fdpass.Options{})
			return err
		},
		"NewStream": func() error {
			_, err := fdpass.NewStream(b, fdpass.StreamOptions{MaxFDs: -1})
			return err
		},
	} {
		if err := call(); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %v, want EINVAL", name, err)
		}
	}
	files, err := fdpass.Recv(b, 1<<30) // more than there can be is no mistake
	if err != nil || len(files) != 1 {
		t.Fatalf("the message is gone: %v, %v", files, err)
	}
	files[0].Close()
}

func TestMayABufferBeNil(t *testing.T) {
	fdtest.SkipUnderGVisor(t, "a receive without room for payload leaves the message where it is")
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...); err != nil {
				t.Fatal(err)
			}
			r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
			batch, err := fdpass.NewBatchReceiver(b, 1, fdpass.Options{MaxFDs: 1})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := batch.Recv(nil); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("a batch without buffers: %v", err)
			}
			if typ != syscall.SOCK_STREAM {
				m, err := r.Recv(nil)
				if !errors.Is(err, fdpass.ErrPayloadTruncated) || len(m.FDs()) != 0 {
					t.Fatalf("Receiver: %v", err)
				}
				m.Close()
				return
			}
			if _, err := r.Recv(nil); err != fdpass.ErrNoPayload {
				t.Errorf("Receiver: %v", err)
			}
			if _, err := r.Peek(nil); err != fdpass.ErrNoPayload && !fdtest.Portable {
				t.Errorf("Peek: %v", err)
			}
			if _, _, err := fdpass.RecvMsg(b, nil, 1); err != fdpass.ErrNoPayload {
				t.Errorf("RecvMsg: %v", err)
			}
			if _, err := batch.Recv([][]byte{nil}); err != fdpass.ErrNoPayload {
				t.Errorf("a batch: %v", err)
			}
			files, err := fdpass.Recv(b, 1)
			if err != nil || len(files) != 1 {
				t.Fatalf("the message is gone: %v, %v", files, err)
			}
			files[0].Close()
		})
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	s, err := fdpass.NewSender(a)
	if err != nil {
		t.Fatal(err)
	}
	good := fdtest.Files(t, 1)[0]
	gone := fdtest.Files(t, 1)[0]
	gone.Close()
	fd := int(good.Fd())
	send := func(fds ...int) error { _, err := s.Send([]byte("x"), fds...); return err }
	for name, c := range map[string]struct{ err, want error }{
		"254 files":       {fdpass.Send(a, slices.Repeat([]*os.File{good}, 254)...), fdpass.ErrTooManyFDs},
		"254 descriptors": {send(slices.Repeat([]int{fd}, 254)...), fdpass.ErrTooManyFDs},
		"no payload":      {func() error { _, err := s.Send(nil, fd); return err }(), fdpass.ErrNoPayload},
		"files, no payload": {func() error {
			_, err := fdpass.SendMsg(a, nil, good)
			return err
		}(), fdpass.ErrNoPayload},
		"a closed file":      {fdpass.Send(a, good, gone), os.ErrClosed},
		"a nil file":         {fdpass.Send(a, good, nil), os.ErrInvalid},
		"a bad descriptor":   {send(fd, 1<<20), syscall.EBADF},
		"a negative one":     {send(fd, -1), syscall.EBADF},
		"only a bad one":     {send(-5), syscall.EBADF},
		"only a closed file": {fdpass.Send(a, gone), os.ErrClosed},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	a.Close()
	if _, files, err := fdpass.RecvMsg(b, make([]byte, 1), 1); err != io.EOF {
		t.Errorf("something was sent all the same: %v, %v", files, err)
	}
}

func TestIsANumberThatIsNoCIntCutDownToADescriptor(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("needs a 64-bit machine: here every int is a C int")
	}
	fdtest.NoLeak(t)
	a, _ := fdtest.Pair(t, syscall.SOCK_DGRAM)
	good, bit := fdtest.FDs(t, 1)[0], 32
	for name, err := range map[string]error{
		"sent":    fdpass.SendFDs(a, good|1<<bit),
		"sent on": fdpass.SendFDs(a|1<<bit, good),
		"closed":  fdpass.CloseFDs([]int{good | 1<<bit}),
	} {
		if !errors.Is(err, syscall.EBADF) {
			t.Errorf("%s: want EBADF, got %v", name, err)
		}
	}
}

func TestWhatIsSaidWhenThePeerIsGone(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorErrors)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			b.Close()
			want := syscall.EPIPE // and no SIGPIPE, which would end the test
			if typ == syscall.SOCK_DGRAM {
				want = syscall.ECONNREFUSED
			}
			if err := fdpass.Send(a, fdtest.Files(t, 1)...); !errors.Is(err, want) {
				t.Errorf("sending: %v, want %v", err, want)
			}
			if typ != syscall.SOCK_DGRAM {
				if files, err := fdpass.Recv(a, 1); err != io.EOF {
					t.Errorf("receiving: %v, %v", files, err)
				}
			}
		})
	}
}

func TestWhatIsSaidOfASocketThatIsNotConnected(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorErrors)
	fdtest.NoLeak(t)
	for _, typ := range fdtest.Types {
		fd := fdtest.Socket(t, syscall.AF_UNIX, typ)
		if err := fdpass.SendFDs(fd, fd); !errors.Is(err, syscall.ENOTCONN) {
			t.Errorf("sending: %v, want ENOTCONN", err)
		}
	}
	// A stream says EINVAL, a seqpacket socket ENOTCONN.
	for typ, want := range map[int]error{
		syscall.SOCK_STREAM: syscall.EINVAL, syscall.SOCK_SEQPACKET: syscall.ENOTCONN,
	} {
		fd := fdtest.Socket(t, syscall.AF_UNIX, typ)
		if _, err := fdpass.RecvFDs(fd, 1); !errors.Is(err, want) {
			t.Errorf("receiving: %v, want %v", err, want)
		}
	}
}
