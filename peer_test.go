//go:build linux

package fdpass_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestWhoIsThePeerOfAPair(t *testing.T) {
	fdtest.NeedsLinux(t, "a description of the peer")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
	for network, typ := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			_, b := fdtest.Pair(t, typ)
			if cred, err := fdpass.PeerCredentials(fdpass.Socket(b)); err != nil || cred != ownCredentials() {
				t.Errorf("got %v, %v", cred, err)
			}
			fd, err := fdpass.PeerPIDFD(fdpass.Socket(b))
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip("needs SO_PEERPIDFD, which came with Linux 6.5:", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer fdtest.Close(t, fd)
			if pid := fdtest.PIDOf(t, fd); pid != os.Getpid() || !fdtest.CloseOnExec(t, fd) {
				t.Errorf("the pidfd is of %d", pid)
			}
		})
	}
}

func TestWhoIsThePeerOfAListener(t *testing.T) {
	fdtest.NeedsLinux(t, "a description of the peer")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
	fdtest.NoLeak(t)
	l, connect := fdtest.Listen(t, syscall.SOCK_STREAM)
	c := connect()
	for name, fd := range map[string]int{"the connecting end": c, "the accepted end": fdtest.Accept(t, l)} {
		if cred, err := fdpass.PeerCredentials(fdpass.Socket(fd)); err != nil || cred != ownCredentials() {
			t.Errorf("%s: %v, %v", name, cred, err)
		}
	}
}

// A kernel that describes the process that asks would let everybody through who asks
// only whether the peer has its own user.
func TestIsWhoAsksTakenForThePeer(t *testing.T) {
	fdtest.NeedsLinux(t, "a description of the peer")
	fdtest.NoLeak(t)
	conn, cmd, stdin := fromSender(t)
	defer cmd.Wait()
	defer stdin.Close()
	cred, err := fdpass.PeerCredentials(conn)
	if int(cred.PID) == os.Getpid() || err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, %v", cred, err)
	}
}

func TestWhoIsThePeerOfAnUnconnectedSocket(t *testing.T) {
	fdtest.NeedsLinux(t, "a description of the peer")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
	fdtest.NoLeak(t)
	for network, typ := range fdtest.Types {
		fd := fdpass.Socket(fdtest.Socket(t, syscall.AF_UNIX, typ))
		want := fdpass.Credentials{PID: 0, UID: 1<<32 - 1, GID: 1<<32 - 1}
		if cred, err := fdpass.PeerCredentials(fd); err != nil || cred != want {
			t.Errorf("%s: %v, %v, want %v", network, cred, err, want)
		}
		pidfd, err := fdpass.PeerPIDFD(fd)
		if pidfd != -1 || !errors.Is(err, syscall.ENODATA) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: pidfd %d, %v", network, pidfd, err)
		}
	}
}

func TestIsThereAPidfdOfADeadPeer(t *testing.T) {
	fdtest.NeedsLinux(t, "a description of the peer")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	conn, cmd, stdin := fromSender(t)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	fd, err := fdpass.PeerPIDFD(conn)
	if err == nil { // since Linux 6.16
		defer fdtest.Close(t, fd)
		if pid := fdtest.PIDOf(t, fd); pid != -1 {
			t.Errorf("it is of %d, want -1 for a process that is gone", pid)
		}
		return
	}
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("needs SO_PEERPIDFD, which came with Linux 6.5:", err)
	}
	if fd != -1 || !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.EINVAL) {
		t.Errorf("got %d, %v", fd, err)
	}
	if cred, err := fdpass.PeerCredentials(conn); err != nil || cred.PID != int32(cmd.Process.Pid) {
		t.Errorf("its credentials: %v, %v", cred, err)
	}
}

func TestDoesAFullTableHideThePeer(t *testing.T) {
	fdtest.NeedsLinux(t, "a description of the peer")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	_, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	restore := fdtest.LimitTable(t, 0)
	fd, err := fdpass.PeerPIDFD(fdpass.Socket(b))
	restore()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("needs SO_PEERPIDFD, which came with Linux 6.5:", err)
	}
	if fd != -1 || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("got %d, %v, want EMFILE", fd, err)
	}
}

func TestWhichGroupsDoesAPeerHave(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	a, _ := fdtest.Conns(t, "unix")
	got, err := fdpass.PeerGroups(a)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("needs SO_PEERGROUPS, which came with Linux 4.13:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := syscall.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("got %v, and this process has %v", got, want)
	}
	for _, g := range want {
		if !slices.Contains(got, uint32(g)) {
			t.Errorf("%d is not among %v", g, got)
		}
	}
	unconnected := fdtest.Socket(t, syscall.AF_UNIX, syscall.SOCK_STREAM)
	got, err = fdpass.PeerGroups(fdpass.Socket(unconnected))
	if got != nil || !errors.Is(err, syscall.ENODATA) {
		t.Errorf("without a peer: %v, %v", got, err)
	}
}

// Whether there is a label depends on the machine's security modules.
func TestWhichLabelDoesAPeerHave(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	a, _ := fdtest.Conns(t, "unix")
	label, err := fdpass.PeerSecurityLabel(a)
	current, _ := os.ReadFile("/proc/self/attr/current")
	switch own := strings.TrimRight(string(current), "\x00\n"); {
	case errors.Is(err, errors.ErrUnsupported):
		if label != "" {
			t.Errorf("got %q with the error %v", label, err)
		}
		t.Skip("needs a security module such as AppArmor or SELinux:", err)
	case err != nil:
		t.Error(err)
	case !strings.HasPrefix(own, label):
		t.Errorf("got %q, and this process has %q", label, own)
	}
}

// A process may be one that must not call socket(2), and a full table is like that.
func TestIsASocketMadeToFindOutTheKernel(t *testing.T) {
	fdtest.NeedsLinux(t, "SO_PEERCRED")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
	fdtest.SkipUnderQemuUser(t, "it has descriptors of its own in the table")
	fdtest.NoLeak(t)
	pair, _ := fdtest.Pair(t, syscall.SOCK_STREAM)
	alone, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fdtest.Close(t, alone)
	restore := fdtest.LimitTable(t, 0)
	fromOther, fromPair := fdpass.IsLinux(alone), fdpass.IsLinux(pair)
	restore()
	if !fromOther || fromPair {
		t.Errorf("without a place for one: a peer that is not this process %v, a pair %v", fromOther, fromPair)
	}
	if !fdpass.IsLinux(pair) {
		t.Error("a pair, with a place for one: not known")
	}
}
