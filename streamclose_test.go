//go:build linux

package fdpass_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// Another goroutine closes the Stream while descriptors come. There are pidfds as
// well, which the Stream or somebody else has asked for.
func TestDoesAStreamThatIsClosedInTheMiddleLeak(t *testing.T) {
	for name, asked := range map[string]bool{"pidfd asked for": true, "pidfd inherited": false} {
		t.Run(name, func(t *testing.T) {
			if asked {
				fdtest.NeedsLinux(t, "a pidfd")
			}
			fdtest.NoLeak(t)
			fdtest.PIDFDPair(t) // skips where the kernel has no pidfds to pass
			fds := fdtest.FDs(t, 3)
			for range 300 {
				closeInTheMiddle(t, asked, fds)
			}
		})
	}
}

func closeInTheMiddle(t *testing.T, pidfd bool, fds []int) {
	t.Helper()
	a, b, err := fdpass.Pair("unix")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close() // where the option is missing there will be no Stream to close it
	raw, err := b.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if fdtest.Portable {
			return
		}
		fdtest.SetOption(t, int(fd), rawmsg.SO_PASSPIDFD, 1, "SO_PASSPIDFD, which came with Linux 6.5")
	})
	s := must(fdpass.NewStream(b, fdpass.StreamOptions{MaxFDs: 1000, PIDFD: pidfd}))(t)
	var group sync.WaitGroup
	begun := make(chan bool)
	fdtest.Go(&group, func() { // the peer
		for i := range 50 {
			if _, err := fdpass.SendMsgFDs(a, []byte("x"), fds...); err != nil {
				return // the other end is closed
			}
			if i == 3 {
				close(begun)
			}
		}
	})
	fdtest.Go(&group, func() { // the reader
		for p := make([]byte, 1); ; {
			if _, err := s.Read(p); err != nil {
				if !errors.Is(err, net.ErrClosed) && err != io.EOF {
					t.Errorf("Read: %v", err)
				}
				return
			}
			got, _ := s.TakeFDs(s.Offset() - 2) // and leaves some
			fdpass.CloseFDs(got)
		}
	})
	<-begun
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	group.Wait()
	if fd, err := s.TakePIDFD(); err == nil {
		t.Errorf("a closed stream hands over the pidfd %d", fd)
	}
}

// The error says that the connection is closed, and not that it is no stream.
func TestWhatIsSaidOfAStreamOnAConnectionThatIsClosed(t *testing.T) {
	fdtest.NoLeak(t)
	for range 500 {
		a, b, err := fdpass.Pair("unix")
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		fdtest.Go(&group, func() { b.Close() })
		s, err := fdpass.NewStream(b, fdpass.StreamOptions{})
		if err != nil && !errors.Is(err, net.ErrClosed) {
			t.Fatalf("got %v", err)
		}
		group.Wait()
		if s, err = fdpass.NewStream(b, fdpass.StreamOptions{}); s != nil || !errors.Is(err, net.ErrClosed) {
			t.Fatalf("got %v", err)
		}
		a.Close()
	}
}

// It keeps neither a pidfd that was asked for and not taken, nor one that came
// because somebody else had switched SO_PASSPIDFD on.
func TestDoesAClosedStreamKeepAPidfd(t *testing.T) {
	fdtest.NeedsLinux(t, "a pidfd")
	for name, asked := range map[string]bool{"asked for": true, "inherited": false} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.PIDFDPair(t)
			s := must(fdpass.NewStream(fdpass.Socket(b), fdpass.StreamOptions{MaxFDs: 3, PIDFD: asked}))(t)
			before := fdtest.Count(t)
			fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
			opened := fdtest.Count(t) - before
			if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			s.Close()
			if after := fdtest.Count(t) - opened; after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
			runtime.KeepAlive(s)
		})
	}
}
