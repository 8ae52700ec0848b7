//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestIsAFileAConnection(t *testing.T) {
	for name, nonblock := range map[string]bool{"blocking": false, "nonblocking": true} {
		for network := range fdtest.Types {
			t.Run(name+" "+network, func(t *testing.T) {
				fdtest.NoLeak(t)
				a, b := files(t, network, nonblock)
				sent := fdtest.Files(t, 2)
				done := make(chan error)
				go func() { // perhaps after the receive, which then waits
					_, err := fdpass.SendMsg(a, []byte("hello"), sent...)
					done <- err
				}()
				p := make([]byte, 16)
				n, got, err := fdpass.RecvMsg(b, p, 2)
				if err != nil || string(p[:n]) != "hello" || len(got) != 2 {
					t.Fatalf("got %q, %v, %v", p[:n], got, err)
				}
				for i, f := range got {
					if data, err := io.ReadAll(f); err != nil || string(data) != fdtest.Contents(i) {
						t.Errorf("file %d: %q, %v", i, data, err)
					}
					f.Close()
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
				n, _, err = syscall.Recvfrom(rawFD(t, b), p, syscall.MSG_DONTWAIT)
				if err != syscall.EAGAIN {
					t.Errorf("still there: %q, %v", p[:n], err)
				}
				if network == "unixgram" {
					return
				}
				a.Close()
				if _, err := fdpass.Recv(b, 1); err != io.EOF {
					t.Errorf("at the end: %v", err)
				}
			})
		}
	}
}

// rawFD returns a file's descriptor, without making it block. It is valid until the
// end of the test.
func rawFD(t *testing.T, f syscall.Conn) (fd int) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(p uintptr) { fd = int(p) }); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestDoesAFileHaveADeadline(t *testing.T) {
	fdtest.NoLeak(t)
	_, b := files(t, "unix", true)
	r := fdtest.Receiver(t, b, fdpass.Options{})
	if err := r.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recv(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_, b = files(t, "unix", false)
	r = fdtest.Receiver(t, b, fdpass.Options{})
	if err := r.SetReadDeadline(time.Now()); !errors.Is(err, os.ErrNoDeadline) {
		t.Errorf("a blocking one: %v", err)
	}
}

func TestDoesABareDescriptorWaitInTheKernel(t *testing.T) {
	fdtest.NoLeak(t)
	_, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	r := fdtest.Receiver(t, fdpass.Socket(b), fdpass.Options{})
	// It waits as long as the option of the descriptor says.
	limit := syscall.Timeval{Usec: 10000}
	if err := syscall.SetsockoptTimeval(b, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recv(make([]byte, 1)); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("with SO_RCVTIMEO: %v, want EAGAIN", err)
	}
	if err := syscall.SetNonblock(b, true); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recv(make([]byte, 1)); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("nonblocking: %v, want EAGAIN", err)
	}
	if _, err := fdpass.RecvFDs(b, 1); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("nonblocking: %v, want EAGAIN", err)
	}
}

func TestDoReceivedFilesGoToThePoller(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unix")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := fdpass.Send(a, r); err != nil {
		t.Fatal(err)
	}
	got, err := fdpass.Recv(b, 1)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	done := make(chan error)
	go func() {
		_, err := got[0].Read(make([]byte, 1))
		done <- err
	}()
	got[0].Close() // ends the read, or comes before it
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// O_NONBLOCK belongs to the open file description, so every process that has a
// descriptor of it can switch it. A file that is in Go's poller stays in it, and one
// that is not stays out of it.
func TestDoesASwitchedFlagMakeAFileAnother(t *testing.T) {
	for _, polled := range []bool{true, false} {
		for _, receive := range []func(f *os.File, p []byte) error{
			func(f *os.File, _ []byte) error { _, err := fdpass.Recv(f, 1); return err },
			func(f *os.File, p []byte) error {
				r, err := fdpass.NewReceiver(f, fdpass.Options{})
				if err == nil {
					_, err = r.Recv(p)
				}
				return err
			},
			func(f *os.File, p []byte) error {
				r, err := fdpass.NewBatchReceiver(f, 1, fdpass.Options{})
				if err == nil {
					_, err = r.Recv([][]byte{p})
				}
				return err
			},
		} {
			t.Run(fmt.Sprintf("in the poller %v", polled), func(t *testing.T) {
				fdtest.NoLeak(t)
				a, b := files(t, "unix", polled)
				if err := syscall.SetNonblock(rawFD(t, b), !polled); err != nil {
					t.Fatal(err)
				}
				if !polled {
					// Neither the kernel nor the poller waits.
					if err := receive(b, make([]byte, 1)); !errors.Is(err, syscall.EAGAIN) {
						t.Errorf("nonblocking, outside the poller: %v", err)
					}
					return
				}
				if err := b.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
					t.Fatal(err)
				}
				late := time.AfterFunc(time.Until(fdtest.Soon()), func() {
					t.Error("a file in the poller waits in the kernel")
					a.Close()
				})
				defer late.Stop()
				if err := receive(b, make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("with a deadline: %v", err)
				}
				b.SetReadDeadline(time.Time{})
				time.AfterFunc(10*time.Millisecond, func() { b.Close() })
				err := receive(b, make([]byte, 1))
				if !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
					t.Errorf("closed: %v", err)
				}
			})
		}
	}
}
