//go:build linux

package fdpass_test

import (
	"errors"
	"runtime"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// setTimeout sets SO_RCVTIMEO or SO_SNDTIMEO to a minute.
func setTimeout(t *testing.T, fd, opt int) {
	t.Helper()
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, opt, &syscall.Timeval{Sec: 60}); err != nil {
		t.Fatal(err)
	}
}

func TestIsAReceiveThatSignalsInterruptTakenUpAgain(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	setTimeout(t, b, syscall.SO_RCVTIMEO)
	r, err := fdpass.NewBatchReceiver(fdpass.Socket(b), 2, fdpass.Options{MaxFDs: 2})
	if err != nil {
		t.Fatal(err)
	}
	fds := fdtest.FDs(t, 2)
	count, stop := fdtest.Signals(t)
	defer stop()
	send := func() {
		if err := fdpass.SendFDs(a, fds...); err != nil {
			t.Error(err)
		}
	}
	wait := fdtest.AfterSignals(count, send)
	got, err := fdpass.RecvFDs(b, 2)
	if wait(); err != nil || len(got) != 2 {
		t.Errorf("one: %v, %v", got, err)
	}
	fdtest.Close(t, got...)

	wait = fdtest.AfterSignals(count, send)
	msgs, err := r.Recv([][]byte{make([]byte, 1), make([]byte, 1)})
	if wait(); err != nil || len(msgs) != 1 || len(msgs[0].FDs()) != 2 {
		t.Fatalf("a batch: %d messages, %v", len(msgs), err)
	}
	msgs[0].Close()
}

func TestIsASendThatSignalsInterruptTakenUpAgain(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_DGRAM)
	setTimeout(t, a, syscall.SO_SNDTIMEO)
	full := 0
	for ; ; full++ { // until the queue is full
		if _, err := fdtest.Sendmsg(a, []byte("x"), nil, syscall.MSG_DONTWAIT); err != nil {
			break
		}
	}
	fds := fdtest.FDs(t, 2)
	count, stop := fdtest.Signals(t)
	defer stop()
	wait := fdtest.AfterSignals(count, func() { fdtest.Recvmsg(t, b, 1, 0, 0) })
	err := fdpass.SendFDs(a, fds...)
	if wait(); err != nil {
		t.Fatal(err)
	}
	for range full - 1 {
		fdtest.Recvmsg(t, b, 1, 0, 0)
	}
	got, err := fdpass.RecvFDs(b, 2)
	if err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	fdtest.Close(t, got...)
}

// The kernel would count the time from the beginning after each signal.
func TestDoesATimeoutEndUnderSignals(t *testing.T) {
	fdtest.NeedsLinux(t, "reading the time of SO_RCVTIMEO and SO_SNDTIMEO")
	// The clock of an emulated machine and the kernel's count of its ticks, by which it
	// ends a wait, go apart by tens of milliseconds on a busy computer.
	const timeout, atLeast = 200 * time.Millisecond, 50 * time.Millisecond
	for name, call := range map[string]func(a, b int) error{
		"receive": func(_, b int) error {
			_, err := fdpass.RecvFDs(b, 0)
			return err
		},
		"batch": func(_, b int) error {
			r, err := fdpass.NewBatchReceiver(fdpass.Socket(b), 1, fdpass.Options{})
			if err == nil {
				_, err = r.Recv([][]byte{make([]byte, 1)})
			}
			return err
		},
		"send": func(a, _ int) error { return fdpass.SendFDs(a) },
	} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_SEQPACKET)
			for _, opt := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
				for _, fd := range []int{a, b} {
					tv := syscall.NsecToTimeval(int64(timeout))
					if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, opt, &tv); err != nil {
						t.Fatal(err)
					}
				}
			}
			if name == "send" {
				fdtest.SkipUnderGVisor(t, "a signal begins the time of SO_SNDTIMEO again")
				full(t, fdpass.Socket(a))
			}
			_, stop := fdtest.Signals(t)
			defer stop()
			// What never ends is ended by the end of the connection.
			late := time.AfterFunc(time.Until(fdtest.Soon()), func() {
				t.Error("signals keep it waiting")
				syscall.Shutdown(a, syscall.SHUT_RDWR)
			})
			defer late.Stop()
			start := time.Now()
			if err := call(a, b); !errors.Is(err, syscall.EAGAIN) {
				t.Errorf("want EAGAIN, got %v", err)
			}
			if d := time.Since(start); d < atLeast {
				t.Errorf("ended after %v, before its time", d)
			}
		})
	}
}

// A message that comes in time is received, although a signal came before it.
func TestDoesWhatComesAfterASignalEndATimeout(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	setTimeout(t, b, syscall.SO_RCVTIMEO)
	fds := fdtest.FDs(t, 1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, tid := syscall.Getpid(), syscall.Gettid()
	go func() {
		time.Sleep(20 * time.Millisecond)
		syscall.Tgkill(pid, tid, syscall.SIGURG)
		time.Sleep(20 * time.Millisecond)
		fdpass.SendFDs(a, fds...)
	}()
	got, err := fdpass.RecvFDs(b, 1)
	if err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	fdtest.Close(t, got...)
}
