//go:build linux

package fdpass_test

import (
	"io"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestIsAnEmptyMessageTheEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  int
		opts fdpass.Options
		fds  int
		want error
	}{
		{"datagram", syscall.SOCK_DGRAM, fdpass.Options{}, 0, nil},
		{"datagram with a descriptor", syscall.SOCK_DGRAM, fdpass.Options{MaxFDs: 1}, 1, nil},
		{"seqpacket with a descriptor", syscall.SOCK_SEQPACKET, fdpass.Options{MaxFDs: 1}, 1, nil},
		{"seqpacket with credentials", syscall.SOCK_SEQPACKET, fdpass.Options{Credentials: true}, 0, nil},
		{"seqpacket with nothing", syscall.SOCK_SEQPACKET, fdpass.Options{MaxFDs: 1}, 0, io.EOF},
	} {
		fdtest.NoLeak(t)
		a, b := fdtest.Pair(t, c.typ)
		r := fdtest.Receiver(t, fdpass.Socket(b), c.opts)
		fdtest.MustSend(t, a, "", fdtest.FDs(t, c.fds)...)
		fdtest.MustSend(t, a, "x")
		m, err := r.Recv(make([]byte, 1))
		if err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		} else if err == nil && (len(m.FDs()) != c.fds || len(m.Payload()) != 0) {
			t.Errorf("%s: %q with %v", c.name, m.Payload(), m.FDs())
		}
		if m, err = r.Recv(make([]byte, 1)); err != nil || string(m.Payload()) != "x" {
			t.Errorf("%s: the next one: %v", c.name, err)
		}
	}
}

func TestWhatIsTheEnd(t *testing.T) {
	for network, typ := range map[string]int{"unix": syscall.SOCK_STREAM, "unixpacket": syscall.SOCK_SEQPACKET} {
		for _, v := range values {
			t.Run(network+" "+v.name, func(t *testing.T) {
				if !v.isFor(typ) {
					v = values[0]
				}
				fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				v.opts.MaxFDs = 1
				r := fdtest.Receiver(t, fdpass.Socket(b), v.opts)
				fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
				fdtest.Close(t, a)
				if m, err := r.Recv(make([]byte, 1)); err != nil || len(m.FDs()) != 1 {
					t.Fatal(err)
				}
				for range 2 {
					if m, err := r.Recv(make([]byte, 1)); m != nil || err != io.EOF {
						t.Errorf("got %v, %v", m, err)
					}
					if m, err := r.Peek(make([]byte, 1)); m != nil || err != io.EOF {
						t.Errorf("peeked at %v, %v", m, err)
					}
				}
				if fds, err := fdpass.RecvFDs(b, 1); fds != nil || err != io.EOF {
					t.Errorf("got %v, %v", fds, err)
				}
			})
		}
	}
}

func TestIsACountThatDoesNotMatchAnError(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	for max, sent := range []int{0, 0, 1, 2, 2} { // never more than were asked for
		fdtest.MustSend(t, a, "x", fdtest.FDs(t, sent)...)
		fds, err := fdpass.RecvFDs(b, max)
		if err != nil || len(fds) != sent {
			t.Errorf("sent %d, asked for %d: %v, %v", sent, max, fds, err)
		}
		fdtest.Close(t, fds...)
	}
}

func TestIsTheRestOfADatagramAnError(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixgram")
	for range 2 {
		if _, err := fdpass.SendMsg(a, []byte("hello"), fdtest.Files(t, 1)...); err != nil {
			t.Fatal(err)
		}
	}
	// Not for who does not want the payload.
	files, err := fdpass.Recv(b, 1)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	files[0].Close()
	n, files, err := fdpass.RecvMsg(b, make([]byte, 2), 1)
	if n != 2 || files != nil || err != fdpass.ErrPayloadTruncated {
		t.Errorf("got %d bytes, %v, %v", n, files, err)
	}
}
