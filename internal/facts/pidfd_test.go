//go:build linux

package facts

import (
	"os"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// fromTheDead sends a byte from a process that has ended and been waited for
// when it returns.
func fromTheDead(t *testing.T, fd int) {
	t.Helper()
	dup, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(dup), "socket")
	defer f.Close()
	cmd := fdtest.Command(t, "send nothing")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}

// pidfdIn returns what the only SCM_PIDFD message of a receipt says.
func pidfdIn(t *testing.T, r fdtest.Receipt) (int, error) {
	t.Helper()
	if len(r.Controls) != 1 || r.Controls[0].Type != rawmsg.SCM_PIDFD {
		t.Fatalf("got %v", r.Controls)
	}
	fd, err := r.Controls[0].PIDFD()
	if err == nil {
		t.Cleanup(func() { fdtest.Close(t, fd) })
	}
	return fd, err
}

func TestIsAPidfdClosedOnExec(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.PIDFDPair(t)
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
	p, oob := make([]byte, 1), make([]byte, 256)
	_, n, _, _, err := syscall.Recvmsg(b, p, oob, 0) // without MSG_CMSG_CLOEXEC
	if err != nil {
		t.Fatal(err)
	}
	for c := range fdpass.ParseControls(oob[:n]) {
		if fds, _ := c.Rights(nil); len(fds) == 1 {
			if fdtest.CloseOnExec(t, fds[0]) {
				t.Error("the descriptor is close-on-exec without being asked to")
			}
			fdtest.Close(t, fds...)
		}
		if fd, err := c.PIDFD(); err == nil {
			if !fdtest.CloseOnExec(t, fd) {
				t.Error("the pidfd would survive exec")
			}
			if pid := fdtest.PIDOf(t, fd); pid != os.Getpid() {
				t.Errorf("it is of process %d", pid)
			}
			fdtest.Close(t, fd)
		}
	}
}

func TestIsThereAPidfdOfADeadSender(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.PIDFDPair(t)
	fromTheDead(t, a)
	fd, err := pidfdIn(t, fdtest.Recvmsg(t, b, 1, 256, 0))
	if err == syscall.ESRCH || err == syscall.EINVAL {
		return // before Linux 6.17: TestWhichOptionsDoesThisKernelHave
	}
	if err != nil {
		t.Fatal(err)
	}
	if pid := fdtest.PIDOf(t, fd); pid != -1 {
		t.Errorf("it is of process %d, want -1 for one that is gone", pid)
	}
}

func TestWhatIsAPidfdWithAFullTable(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.PIDFDPair(t)
	fdtest.MustSend(t, a, "x")
	restore := fdtest.LimitTable(t, 0)
	r := fdtest.Recvmsg(t, b, 1, 256, 0)
	restore()
	if fd, err := pidfdIn(t, r); err != syscall.EMFILE {
		t.Errorf("got %d, %v, want EMFILE", fd, err)
	}
	if r.Truncated() {
		t.Errorf("the flags are %#x", r.Flags)
	}
}
