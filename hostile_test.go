//go:build linux

package fdpass_test

import (
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// hostile has what a peer may do to harm a receiver. Each function sends something
// over one end of a pair. It does not matter if the kernel refuses to send it.
var hostile = map[string]func(t *testing.T, a int, fds []int){
	"too many": func(t *testing.T, a int, fds []int) {
		fdtest.Sendmsg(a, []byte("x"),
			fdpass.AppendRights(nil, slices.Repeat(fds[:1], rawmsg.SCM_MAX_FD)...), 0)
	},
	"its own socket": func(t *testing.T, a int, _ []int) {
		fdtest.Sendmsg(a, []byte("x"), fdpass.AppendRights(nil, a, a, a), 0)
	},
	"a socket that holds descriptors": func(t *testing.T, a int, fds []int) {
		c, d := fdtest.Pair(t, syscall.SOCK_STREAM)
		fdtest.MustSend(t, c, "x", slices.Repeat(fds[:1], 100)...)
		fdtest.Sendmsg(a, []byte("x"), fdpass.AppendRights(nil, d, d, d), 0)
		fdtest.Close(t, c, d)
	},
	"what cannot be read": func(t *testing.T, a int, _ []int) {
		path, err := syscall.Open("/", 0x200000|syscall.O_CLOEXEC, 0) // O_PATH
		if err != nil {
			t.Fatal(err)
		}
		epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		fdtest.Sendmsg(a, []byte("x"), fdpass.AppendRights(nil, path, epoll), 0)
		fdtest.Close(t, path, epoll)
	},
	"one with every byte": func(t *testing.T, a int, fds []int) {
		for range 100 {
			fdtest.Sendmsg(a, []byte("x"), fdpass.AppendRights(nil, fds[0]), syscall.MSG_DONTWAIT)
		}
	},
	"no payload": func(t *testing.T, a int, fds []int) {
		fdtest.Sendmsg(a, nil, fdpass.AppendRights(nil, fds...), 0)
	},
	"out of band": func(t *testing.T, a int, fds []int) {
		for range 3 {
			fdtest.Sendmsg(a, []byte("xy"), fdpass.AppendRights(nil, fds...), syscall.MSG_OOB)
		}
	},
	"a payload that is too long": func(t *testing.T, a int, fds []int) {
		fdtest.Sendmsg(a, make([]byte, 4096), fdpass.AppendRights(nil, fds...), 0)
	},
	"half of a connection": func(t *testing.T, a int, fds []int) {
		fdtest.Sendmsg(a, []byte("x"), fdpass.AppendRights(nil, fds...), 0)
		syscall.Shutdown(a, syscall.SHUT_WR)
	},
}

// victims receive until there is nothing more, and return what they got.
var victims = map[string]func(t *testing.T, b int) []int{
	"RecvFDs": func(t *testing.T, b int) (all []int) {
		for range 200 {
			got, err := fdpass.RecvFDs(b, 2)
			if all = append(all, got...); over(t, err) {
				break
			}
		}
		return all
	},
	"Receiver": func(t *testing.T, b int) (all []int) {
		r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{
			MaxFDs: 2, Credentials: true, KeepTruncated: true,
		})
		defer r.Close()
		for range 200 {
			m, err := r.TryRecv(make([]byte, 8))
			if over(t, err) {
				break
			}
			all = append(all, m.TakeFDs()...)
		}
		return all
	},
	"BatchReceiver": func(t *testing.T, b int) (all []int) {
		r := must(fdpass.NewBatchReceiver(fdpass.Socket(b), 8, fdpass.Options{MaxFDs: 2}))(t)
		defer r.Close()
		for range 200 {
			bufs := [][]byte{make([]byte, 8), make([]byte, 8), make([]byte, 8)}
			msgs, err := r.Recv(bufs)
			if over(t, err) {
				break
			}
			for _, m := range msgs {
				all = append(all, m.TakeFDs()...)
			}
		}
		return all
	},
	"Stream": func(t *testing.T, b int) (all []int) {
		s, err := fdpass.NewStream(fdpass.Socket(b), fdpass.StreamOptions{MaxFDs: 2})
		if err != nil {
			return nil // not a stream
		}
		defer s.Close()
		for range 200 {
			if _, err := s.Read(make([]byte, 8)); over(t, err) {
				break
			}
			got, _ := s.TakeFDs(s.Offset())
			all = append(all, got...)
		}
		return all
	},
}

// over reports whether there is nothing more to receive, and fails for an error
// that a peer must not be able to cause.
func over(t *testing.T, err error) bool {
	t.Helper()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EAGAIN),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, fdpass.ErrTooManyFDs):
		return true
	case err == nil, errors.Is(err, fdpass.ErrTruncated), errors.Is(err, fdpass.ErrPayloadTruncated):
		return false
	}
	t.Errorf("a peer made it return %v", err)
	return true
}

func TestDoesAHostilePeerGetThrough(t *testing.T) {
	for network, typ := range fdtest.Types {
		for victim, receive := range victims {
			for name, attack := range hostile {
				t.Run(network+" "+victim+" "+name, func(t *testing.T) {
					fdtest.NoLeak(t)
					fds := fdtest.FDs(t, 2)
					a, b := fdtest.Pair(t, typ)
					if err := syscall.SetNonblock(b, true); err != nil {
						t.Fatal(err)
					}
					attack(t, a, fds)
					fdtest.Close(t, a)
					before := fdtest.Count(t)
					got := receive(t, b)
					defer fdtest.Close(t, got...)
					if after := fdtest.Count(t); after != before+len(got) {
						t.Errorf("%d descriptors were handed over, and %d are open", len(got), after-before)
					}
					for _, fd := range got {
						if !fdtest.CloseOnExec(t, fd) {
							t.Errorf("%d is not close-on-exec", fd)
						}
					}
					honest(t, typ, receive)
				})
			}
		}
	}
}

// honest checks that the next peer is served as if nothing had happened.
func honest(t *testing.T, typ int, receive func(t *testing.T, b int) []int) {
	t.Helper()
	a, b := fdtest.Pair(t, typ)
	if err := syscall.SetNonblock(b, true); err != nil {
		t.Fatal(err)
	}
	fds := fdtest.FDs(t, 2)
	fdtest.MustSend(t, a, "x", fds...)
	got := receive(t, b)
	want := fds
	if typ != syscall.SOCK_STREAM && len(got) == 0 {
		want = nil // a Stream
	}
	if !slices.Equal(fdtest.IDs(t, got...), fdtest.IDs(t, want...)) {
		t.Errorf("the next peer's descriptors: %d of %d", len(got), len(want))
	}
	fdtest.Close(t, got...)
}
