//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestDoDescriptorsArrive(t *testing.T) {
	for network, typ := range fdtest.Types {
		for _, n := range []int{0, 1, 2, 3, 8, 253} {
			t.Run(fmt.Sprint(network, " ", n), func(t *testing.T) {
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				sent := fdtest.FDs(t, n)
				if err := fdpass.SendFDs(a, sent...); err != nil {
					t.Fatal(err)
				}
				got, err := fdpass.RecvFDs(b, n)
				if err != nil {
					t.Fatal(err)
				}
				defer fdtest.Close(t, got...)
				if want, got := fdtest.IDs(t, sent...), fdtest.IDs(t, got...); !slices.Equal(want, got) {
					t.Errorf("sent %v, got %v", want, got)
				}
				for _, fd := range got {
					if !fdtest.CloseOnExec(t, fd) {
						t.Errorf("descriptor %d would survive exec", fd)
					}
				}
			})
		}
	}
}

func TestWhatBecomesOfTooManyDescriptors(t *testing.T) {
	for network, typ := range fdtest.Types {
		for _, n := range []int{2, 3, 253} {
			t.Run(fmt.Sprint(network, " ", n), func(t *testing.T) {
				if n > 3 {
					fdtest.SkipUnderQemuUser(t,
						"it takes in more descriptors than fit into the program's buffer, and leaks them")
				}
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				if err := fdpass.SendFDs(a, fdtest.FDs(t, n)...); err != nil {
					t.Fatal(err)
				}
				fds, err := fdpass.RecvFDs(b, 1)
				if !errors.Is(err, fdpass.ErrTruncated) || errors.Is(err, syscall.EMFILE) {
					t.Errorf("want ErrTruncated without EMFILE, got %v", err)
				}
				if fds != nil {
					t.Errorf("got descriptors with an error: %v", fds)
				}
			})
		}
	}
}

func TestIsThePayloadOfATruncatedMessageReturned(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			if _, err := fdpass.SendMsg(a, []byte("hello"), fdtest.Files(t, 3)...); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 64)
			n, files, err := fdpass.RecvMsg(b, p, 2)
			if !errors.Is(err, fdpass.ErrTruncated) {
				t.Errorf("want ErrTruncated, got %v", err)
			}
			if string(p[:n]) != "hello" || files != nil {
				t.Errorf("got %q and %v", p[:n], files)
			}
		})
	}
}

func TestDoFilesArriveWithTheirPayload(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			if n, err := fdpass.SendMsg(a, []byte("hello"), fdtest.Files(t, 3)...); n != 5 || err != nil {
				t.Fatal(n, err)
			}
			p := make([]byte, 64)
			n, files, err := fdpass.RecvMsg(b, p, 8)
			if err != nil || string(p[:n]) != "hello" || len(files) != 3 {
				t.Fatalf("got %q, %v, %v", p[:n], files, err)
			}
			for i, f := range files {
				if data, err := io.ReadAll(f); err != nil || string(data) != fdtest.Contents(i) {
					t.Errorf("file %d: %q, %v", i, data, err)
				}
				f.Close()
			}
		})
	}
}

func TestDoesAFullTableLeakAnything(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for _, free := range []int{0, 2} {
		t.Run(fmt.Sprint("places for ", free), func(t *testing.T) {
			if free > 0 {
				fdtest.SkipUnderGVisor(t, fdtest.GVisorTable)
			}
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
			if err := fdpass.SendFDs(a, fdtest.FDs(t, 5)...); err != nil {
				t.Fatal(err)
			}
			restore := fdtest.LimitTable(t, free)
			fds, err := fdpass.RecvFDs(b, 5)
			restore()
			if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) {
				t.Errorf("want ErrTruncated with EMFILE, got %v, %v", fds, err)
			}
		})
	}
}

func TestIsAnEmptyMessageTheEnd(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	var nothing error
	if fdtest.Portable {
		nothing = io.EOF
	}
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
		{"seqpacket with nothing", syscall.SOCK_SEQPACKET, fdpass.Options{MaxFDs: 1}, 0, nothing},
	} {
		if c.opts.Credentials && fdtest.Portable {
			continue
		}
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

// As long as the peer has not hung up, an empty message is one, whatever follows it.
func TestAreEmptyMessagesCounted(t *testing.T) {
	fdtest.NeedsLinux(t, "POLLRDHUP")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	a, b := fdtest.Conns(t, "unixpacket")
	r := fdtest.Receiver(t, b, fdpass.Options{})
	sent := []string{"", "", "x", ""}
	for _, payload := range sent {
		if _, err := fdpass.SendMsgFDs(a, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	for i, payload := range sent {
		if m, err := r.Recv(make([]byte, 8)); err != nil || string(m.Payload()) != payload {
			t.Errorf("message %d: %v, %v", i, m, err)
		}
	}
	a.Close()
	if _, err := r.Recv(make([]byte, 8)); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// When the peer has hung up, empty messages look like the end, each of them and also
// several in a row. They are passed over, and what follows them is received. A peek,
// which leaves them where they are, finds the first of them.
func TestIsAMessageBehindEmptyOnesLost(t *testing.T) {
	fdtest.NeedsLinux(t, "the number of bytes in the queue")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	fdtest.NoLeak(t)
	for empty := range 4 {
		a, b := fdtest.Conns(t, "unixpacket")
		r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
		for range empty {
			if _, err := fdpass.SendMsg(a, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fdpass.SendMsg(a, []byte("x"), fdtest.Files(t, 1)...); err != nil {
			t.Fatal(err)
		}
		a.Close()
		p := make([]byte, 8)
		if _, err := r.Peek(p); err != nil {
			t.Errorf("a peek, with %d empty messages: %v", empty, err)
		}
		m, err := r.Recv(p)
		if err != nil || string(m.Payload()) != "x" || len(m.FDs()) != 1 {
			t.Fatalf("with %d empty messages: %v, %v", empty, m, err)
		}
		if _, err := r.Peek(p); err != io.EOF {
			t.Errorf("a peek at the end: %v", err)
		}
		if _, err := r.Recv(p); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

// After the peer has hung up, the kernel may report the end before the last messages.
// An empty message looks the same, and the next one is received instead of it.
func TestIsAMessageAfterWhatLooksLikeTheEndLost(t *testing.T) {
	fdtest.NeedsLinux(t, "POLLRDHUP")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	fds := fdtest.FDs(t, 1)
	for _, payload := range []string{"", "x"} {
		if _, err := fdpass.SendMsgFDs(a, []byte(payload), fds[:len(payload)]...); err != nil {
			t.Fatal(err)
		}
	}
	a.Close()
	r := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1})
	p := make([]byte, 8)
	m, err := r.Recv(p)
	if err != nil || string(m.Payload()) != "x" || len(m.FDs()) != 1 {
		t.Fatalf("got %v, %v", m, err)
	}
	if _, err := r.Recv(p); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// What was sent before SO_PASSCRED was on has the credentials of nobody. So has the end
// of a connection on gVisor, but not on Linux.
func TestIsAnEmptyMessageOfNobodyTheEnd(t *testing.T) {
	fdtest.NeedsLinux(t, "an option")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
	fdtest.MustSend(t, a, "")
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{Credentials: true})
	fdtest.Close(t, a)
	m, err := r.Recv(make([]byte, 1))
	if err != nil {
		t.Fatal(err)
	}
	if cred, ok := m.Credentials(); !ok || cred.PID != 0 || len(m.Payload()) != 0 {
		t.Errorf("got %q of %+v, %v", m.Payload(), cred, ok)
	}
	if _, err := r.Recv(make([]byte, 1)); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestWhatIsTheEnd(t *testing.T) {
	for network, typ := range map[string]int{
		"unix": syscall.SOCK_STREAM, "unixpacket": syscall.SOCK_SEQPACKET,
	} {
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
					if m, err := r.Peek(make([]byte, 1)); m != nil || err != io.EOF && !fdtest.Portable {
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
	// Not for a caller that does not want the payload.
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
