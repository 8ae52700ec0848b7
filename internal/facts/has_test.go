//go:build linux

package facts

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// optionsVariable makes the answers be printed, each line after the variable's name.
const optionsVariable = "FDPASS_OPTIONS"

// has asks the kernel for each of [Options], through the library where that has a
// function for it. The error matches [errors.ErrUnsupported] where it has not.
var has = map[string]func(t *testing.T) error{
	"SO_PASSCRED":        asks("unix", fdpass.Options{Credentials: true}),
	"SO_PASSSEC":         asks("unix", fdpass.Options{SecurityLabel: true}),
	"SO_PASSPIDFD":       asks("unix", fdpass.Options{PIDFD: true}),
	"SO_PASSRIGHTS":      asks("unix", fdpass.Options{RefuseFDs: true}),
	"SO_INQ":             asks("unix", fdpass.Options{QueuedBytes: true}),
	"SO_TIMESTAMPNS_NEW": asks("unixgram", fdpass.Options{Timestamp: true}),

	"SO_PEERSEC":    describes(fdpass.PeerSecurityLabel),
	"SO_PEERGROUPS": describes(fdpass.PeerGroups),
	"SO_PEERPIDFD":  hasPeerPIDFD,

	"recvmmsg(2)":      hasRecvmmsg,
	"sendmmsg(2)":      hasSendmmsg,
	"MSG_CMSG_CLOEXEC": hasCloseOnExec,
	"close_range(2)":   func(*testing.T) error { return rawmsg.CloseRange(1<<20, 1<<20, 0) },
	"pidfd_open(2)":    hasPidfdOpen,
	"pidfd_getfd(2)":   hasPidfdGetfd,

	"SO_PEERPIDFD of the dead": hasPeerPIDFDOfTheDead,
	"SCM_PIDFD of the dead":    hasMessagePIDFDOfTheDead,
}

// labels are the options that depend on the kernel's security modules as well.
var labels = []string{"SO_PASSSEC", "SO_PEERSEC"}

// A kernel may have more than its version says, since a distribution adds to it,
// but not less.
func TestWhichOptionsDoesThisKernelHave(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.SkipUnderGVisor(t, "its version says nothing of its options")
	if len(has) != len(Options) {
		t.Errorf("%d questions, and %d options", len(has), len(Options))
	}
	for _, o := range Options {
		t.Run(o.Name, func(t *testing.T) {
			fdtest.NoLeak(t)
			err := has[o.Name](t)
			switch {
			case err == nil:
			case errors.Is(err, syscall.EPERM):
				t.Skip("a filter of system calls forbids to ask:", err)
			case !errors.Is(err, errors.ErrUnsupported):
				t.Fatal(err)
			case strings.HasPrefix(err.Error(), "fdpass:") && !strings.Contains(err.Error(), "Linux "+o.Linux+":"):
				t.Errorf("the library's error names another version than %s: %v", o.Linux, err)
			case !slices.Contains(labels, o.Name) && !older(t, o.Linux):
				t.Errorf("Linux %s should have it: %v", o.Linux, err)
			}
			if err != nil {
				t.Log("this kernel has it not:", err)
			}
			if os.Getenv(optionsVariable) != "" {
				fmt.Printf("%s\t%s\t%t\n", optionsVariable, o.Name, err == nil)
			}
		})
	}
}

// older reports whether this kernel's version is before another.
func older(t *testing.T, than string) bool {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	here, there := strings.Split(string(release), "."), strings.Split(than, ".")
	for i := range min(2, len(here), len(there)) {
		if a, b := number(t, here[i]), number(t, there[i]); a != b {
			return a < b
		}
	}
	return false
}

// number returns what a part of a version begins with: 1 in "1-rc2".
func number(t *testing.T, part string) int {
	t.Helper()
	end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(part)
	}
	n, err := strconv.Atoi(part[:end])
	if err != nil {
		t.Fatal("no part of a version:", err)
	}
	return n
}

func asks(network string, o fdpass.Options) func(*testing.T) error {
	return func(t *testing.T) error {
		_, b := fdtest.Pair(t, fdtest.Types[network])
		return o.Apply(fdpass.Socket(b))
	}
}

func describes[T any](peer func(syscall.Conn) (T, error)) func(*testing.T) error {
	return func(t *testing.T) error {
		_, b := fdtest.Pair(t, syscall.SOCK_STREAM)
		_, err := peer(fdpass.Socket(b))
		return err
	}
}

func hasPeerPIDFD(t *testing.T) error {
	_, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fd, err := fdpass.PeerPIDFD(fdpass.Socket(b))
	if err == nil {
		fdtest.Close(t, fd)
	}
	return err
}

func hasRecvmmsg(t *testing.T) error {
	a, b := fdtest.Pair(t, syscall.SOCK_DGRAM)
	fdtest.MustSend(t, a, "x")
	r, err := fdpass.NewBatchReceiver(fdpass.Socket(b), 2, fdpass.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = r.Recv([][]byte{make([]byte, 1), make([]byte, 1)})
	return err
}

func hasSendmmsg(t *testing.T) error {
	a, _ := fdtest.Pair(t, syscall.SOCK_DGRAM)
	s, err := fdpass.NewBatchSender(fdpass.Socket(a))
	if err != nil {
		return err
	}
	_, _, err = s.Send([]fdpass.Outgoing{{Payload: []byte("x")}, {Payload: []byte("y")}})
	return err
}

func hasCloseOnExec(t *testing.T) error {
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
	r := fdtest.Recvmsg(t, b, 1, 256, rawmsg.MSG_CMSG_CLOEXEC)
	if len(r.FDs) != 1 || !fdtest.CloseOnExec(t, r.FDs[0]) {
		return errors.ErrUnsupported
	}
	return nil
}

func hasPidfdOpen(t *testing.T) error {
	fd, err := rawmsg.PidfdOpen(os.Getpid())
	if err == nil {
		fdtest.Close(t, fd)
	}
	return err
}

func hasPidfdGetfd(t *testing.T) error {
	self, err := rawmsg.PidfdOpen(os.Getpid())
	if err != nil {
		return err
	}
	defer fdtest.Close(t, self)
	f := fdtest.Files(t, 1)[0]
	fd, err := rawmsg.PidfdGetfd(self, int(f.Fd()))
	if err == nil {
		fdtest.Close(t, fd)
	}
	runtime.KeepAlive(f)
	return err
}

// connectTo is the role of a process that connects to a socket and ends.
func connectTo(args []string) error {
	c, err := net.Dial("unix", args[0])
	if err == nil {
		err = c.Close()
	}
	return err
}

func hasPeerPIDFDOfTheDead(t *testing.T) error {
	l, _ := fdtest.Listen(t, syscall.SOCK_STREAM)
	name, err := syscall.Getsockname(l)
	if err != nil {
		return err
	}
	if err := fdtest.Command(t, "connect", name.(*syscall.SockaddrUnix).Name).Run(); err != nil {
		return err
	}
	fd, err := fdpass.PeerPIDFD(fdpass.Socket(fdtest.Accept(t, l)))
	if err == nil {
		fdtest.Close(t, fd)
	}
	return lackIfGone(err)
}

// hasMessagePIDFDOfTheDead finds an errno in the place of the pidfd if not.
func hasMessagePIDFDOfTheDead(t *testing.T) error {
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	if err := (fdpass.Options{PIDFD: true}).Apply(fdpass.Socket(b)); err != nil {
		return lackIfGone(err)
	}
	fromTheDead(t, a)
	_, err := pidfdIn(t, fdtest.Recvmsg(t, b, 1, 256, 0)) // closes it at the test's end
	return lackIfGone(err)
}

// lackIfGone makes the kernel's word for a process that is gone one for an option
// that it has not. What the library says of pidfds themselves is of another version.
func lackIfGone(err error) error {
	if errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("no pidfd of the dead: %w (%v)", errors.ErrUnsupported, err)
	}
	return err
}
