//go:build linux

package facts

import (
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// The runtime's handlers have SA_RESTART; signal(7).
func TestWhenDoesRecvmsgReturnEINTR(t *testing.T) {
	fdtest.SkipUnderGVisor(t, "signals interrupt its recvmsg always, which the library hides")
	for name, timeout := range map[string]bool{"with SO_RCVTIMEO": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
			if timeout {
				minute := syscall.Timeval{Sec: 60}
				err := syscall.SetsockoptTimeval(b, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &minute)
				if err != nil {
					t.Fatal(err)
				}
			}
			count, stop := fdtest.Signals(t)
			defer stop()
			if !timeout { // or else there is nothing to receive, whenever the call begins
				defer fdtest.AfterSignals(count, func() { fdtest.MustSend(t, a, "x") })()
			}
			_, _, _, _, err := syscall.Recvmsg(b, make([]byte, 1), nil, 0)
			if timeout != (err == syscall.EINTR) || !timeout && err != nil {
				t.Errorf("got %v after %d signals", err, count.Load())
			}
		})
	}
}
