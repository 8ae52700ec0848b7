//go:build linux

package fdpass_test

import (
	"maps"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// lastOption is beyond the last option of SOL_SOCKET that Linux has: 84 in 6.18,
// and 4 of the old numbers of PA-RISC that nobody else uses.
const lastOption = 160

// switchOn sets an option: to 1 if it takes no other numbers, and if it does, to the
// bits that make SO_TIMESTAMPING write a control message, RX_SOFTWARE and SOFTWARE.
func switchOn(fd, opt int) error {
	if syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, opt, 1<<3|1<<4) == nil {
		return nil
	}
	return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, opt, 1)
}

// switchable returns the options of SOL_SOCKET that can be set on a socket, and can
// be set back, without making it another one.
func switchable(fd int) (options []int) {
	for opt := 1; opt <= lastOption; opt++ {
		switch opt {
		case syscall.SO_RCVBUF, syscall.SO_SNDBUF, syscall.SO_RCVBUFFORCE, syscall.SO_SNDBUFFORCE,
			syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO, rawmsg.SO_PASSRIGHTS:
			continue
		}
		if switchOn(fd, opt) == nil {
			options = append(options, opt)
		}
	}
	return options
}

// Somebody else may have switched any option of the socket on before a Receiver is
// made. None of them may take the room of a descriptor, even if the library does not
// know the option.
func TestWhichOptionTakesTheRoomOfDescriptors(t *testing.T) {
	fdtest.NeedsLinux(t, "what options bring")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			fds := slices.Repeat(fdtest.FDs(t, 1), rawmsg.SCM_MAX_FD)
			probe, _ := fdtest.Pair(t, typ)
			options := switchable(probe)
			if len(options) < 10 {
				t.Fatalf("only %d options", len(options))
			}
			types := map[int]bool{}
			for _, opts := range append(pairsOf(options), options) {
				receiveAll(t, typ, opts, fds, types)
			}
			t.Logf("%d options, control messages of types %v", len(options), slices.Sorted(maps.Keys(types)))
			if !types[rawmsg.SCM_CREDENTIALS] {
				t.Errorf("no option did anything")
			}
		})
	}
}

// pairsOf returns each option by itself, and each one together with the timestamps,
// on which others depend.
func pairsOf(options []int) (sets [][]int) {
	for _, opt := range options {
		sets = append(sets, []int{opt}, []int{rawmsg.SO_TIMESTAMPNS_NEW, opt})
	}
	return sets
}

// receiveAll sends as many descriptors as a message can carry over a socket that has
// options switched on, and receives them with every function that receives.
func receiveAll(t *testing.T, typ int, options, fds []int, types map[int]bool) {
	t.Helper()
	a, b := fdtest.Pair(t, typ)
	defer fdtest.Close(t, a, b)
	for _, opt := range options {
		if err := switchOn(b, opt); err != nil {
			t.Fatalf("option %d: %v", opt, err)
		}
	}
	all := fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD}
	r := fdtest.Receiver(t, fdpass.Socket(b), all)
	fdtest.MustSend(t, a, "x", fds...)
	m, err := r.Recv(make([]byte, 1))
	if err != nil {
		t.Fatalf("options %d: %v", options, err)
	}
	for c := range m.Controls() {
		if c.Level == rawmsg.SOL_SOCKET {
			types[c.Type] = true
		}
	}
	m.Close()
	fdtest.MustSend(t, a, "x", fds...)
	got, err := fdpass.RecvFDs(b, len(fds))
	if err != nil || len(got) != len(fds) {
		t.Errorf("options %d: RecvFDs: %d, %v", options, len(got), err)
	}
	fdpass.CloseFDs(got)
}
