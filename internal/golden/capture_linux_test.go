package golden

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
	"example.com/fdpass/rawmsg"
)

// variable makes the capture be printed, each line after the variable's name.
const variable = "FDPASS_GOLDEN"

// sending is how a message is made: the options of the receiving socket, the
// descriptors sent, and the room for control messages.
type sending struct {
	name    string
	options []int
	fds     int
	room    int
}

func sendings(a abi.Arch) []sending {
	const room = 96 // more than enough
	cred := a.PassCred
	return []sending{
		{"one descriptor", nil, 1, room},
		{"two descriptors", nil, 2, room},
		{"three descriptors", nil, 3, room},
		{"credentials", []int{cred}, 0, room},
		{"credentials and two descriptors", []int{cred}, 2, room},
		{"pidfd", []int{abi.SO_PASSPIDFD}, 0, room},
		{"credentials, descriptor and pidfd", []int{cred, abi.SO_PASSPIDFD}, 1, room},
		{"time in microseconds", []int{abi.SCM_TIMESTAMP}, 0, room},
		{"time in nanoseconds", []int{abi.SCM_TIMESTAMPNS}, 0, room},
		{"time in nanoseconds, 64-bit", []int{abi.SO_TIMESTAMPNS_NEW}, 0, room},
		{"time, credentials and descriptor", []int{cred, abi.SCM_TIMESTAMPNS}, 1, room},
		{"three descriptors, space for one", nil, 3, a.Space(4)},
		{"two descriptors, length for one", nil, 2, a.Len(4)},
		{"one descriptor, not even a header", nil, 1, a.HeaderLen() - 1},
		{"credentials, two thirds of them fit", []int{cred}, 1, a.Len(8)},
	}
}

func TestDoesThisKernelWriteTheSame(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it rebuilds control messages")
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	a := abi.Native()
	here := File{Arch: a.Name, Kernel: strings.TrimSpace(string(release))}
	lacking := make(map[string]bool)
	for _, s := range sendings(a) {
		t.Run(s.name, func(t *testing.T) {
			fdtest.NoLeak(t)
			m, err := capture(t, s)
			if errors.Is(err, syscall.ENOPROTOOPT) && expectations[s.name].optional {
				lacking[s.name] = true
				t.Skip("SO_PASSPIDFD needs Linux 6.5")
			}
			if err != nil {
				t.Fatal(err)
			}
			check(t, a, m)
			here.Messages = append(here.Messages, m)
		})
	}
	if os.Getenv(variable) != "" {
		for line := range lines.Of(here.String()) {
			fmt.Printf("%s\t%s", variable, line)
		}
		return
	}
	compare(t, here, lacking)
}

// compare compares the messages with the file of the architecture. It leaves out those
// that only one of the kernels has.
func compare(t *testing.T, here File, lacking map[string]bool) {
	t.Helper()
	there, ok := files(t)[here.Arch]
	if !ok {
		t.Fatalf("no file of %s: make golden", here.Arch)
	}
	there.Messages = slices.DeleteFunc(there.Messages, func(m Message) bool { return lacking[m.Name] })
	here.Messages = slices.DeleteFunc(here.Messages, func(m Message) bool {
		return expectations[m.Name].optional && !slices.ContainsFunc(there.Messages, func(o Message) bool {
			return o.Name == m.Name
		})
	})
	differences, err := there.Compare(here)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}

// capture sends a message and receives it.
func capture(t *testing.T, s sending) (m Message, err error) {
	t.Helper()
	a, b := fdtest.Pair(t, syscall.SOCK_DGRAM)
	for _, o := range s.options {
		if err := syscall.SetsockoptInt(b, syscall.SOL_SOCKET, o, 1); err != nil {
			return m, err
		}
	}
	m = Message{Name: s.name, Process: [3]int{os.Getpid(), os.Getuid(), os.Getgid()}}
	m.Control = bytes.Repeat([]byte{Untouched}, s.room)
	m.Clock[0] = time.Now().Unix()
	var oob []byte
	if s.fds > 0 {
		oob = syscall.UnixRights(fdtest.FDs(t, s.fds)...)
	}
	if err := syscall.Sendmsg(a, []byte("x"), oob, nil, 0); err != nil {
		t.Fatal(err)
	}
	before := fds(t)
	if err := receive(b, &m); err != nil {
		t.Fatal(err)
	}
	m.Clock[1] = time.Now().Unix()
	for _, fd := range fds(t) {
		if slices.Contains(before, fd) {
			continue
		}
		to, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if strings.HasPrefix(to, "pidfd:") || to == "anon_inode:[pidfd]" {
			m.PIDFD = append(m.PIDFD, fd)
		} else {
			m.Installed = append(m.Installed, fd)
		}
		fdtest.Close(t, fd)
	}
	return m, nil
}

func receive(sock int, m *Message) error {
	var payload [8]byte
	iov := rawmsg.Iovec{Base: &payload[0], Len: uintptr(len(payload))}
	h := rawmsg.Msghdr{Iov: &iov, Iovlen: 1, Control: &m.Control[0], Controllen: uintptr(len(m.Control))}
	_, err := rawmsg.Recvmsg(sock, &h, syscall.MSG_CMSG_CLOEXEC)
	m.Controllen, m.Flags = int(h.Controllen), uint32(h.Flags)
	return err
}

// fds returns this process's open descriptors, in order.
func fds(t *testing.T) (open []int) {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) == nil { // the directory's own is gone
			open = append(open, fd)
		}
	}
	slices.Sort(open)
	return open
}
