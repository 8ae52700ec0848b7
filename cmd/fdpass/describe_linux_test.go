package main

import (
	"net"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// described is what describe says of a descriptor, which it closes.
func described(t *testing.T, fd int, err error) description {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer fdtest.Close(t, fd)
	d, err := describe(fd)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatIsADescriptorOpenOn(t *testing.T) {
	fdtest.NoLeak(t)
	file := fdtest.Files(t, 1)[0].Name()
	for _, c := range []struct {
		name  string
		flags int
		want  description
	}{
		{file, syscall.O_RDONLY, description{kind: "file", mode: "r", size: 7, what: file}},
		{file, syscall.O_WRONLY, description{kind: "file", mode: "w", size: 7, what: file}},
		{file, syscall.O_RDWR, description{kind: "file", mode: "rw", size: 7, what: file}},
		{file, syscall.O_WRONLY | syscall.O_APPEND,
			description{kind: "file", mode: "w", flags: []string{"append"}, size: 7, what: file}},
		{file, oPath, description{kind: "file", mode: "path", offset: -1, size: 7, what: file}},
		{"/", syscall.O_RDONLY, description{kind: "dir", mode: "r", offset: -1, size: -1, what: "/"}},
		{"/dev/null", syscall.O_RDWR | syscall.O_NONBLOCK,
			description{kind: "device", mode: "rw", flags: []string{"nonblock"},
				offset: -1, size: -1, what: "/dev/null"}},
	} {
		fd, err := syscall.Open(c.name, c.flags|syscall.O_CLOEXEC, 0)
		got := described(t, fd, err)
		got.fd = 0
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestWhatIsADescriptorWithoutAFile(t *testing.T) {
	fdtest.NoLeak(t)
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if got := described(t, epoll, err); got.kind != "epoll" || got.size != -1 {
		t.Errorf("epoll: %+v", got)
	}
	event, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC, 0)
	if got := described(t, int(event), nonzero(errno)); got.kind != "eventfd" {
		t.Errorf("eventfd: %+v", got)
	}
	var p [2]int
	err = syscall.Pipe2(p[:], syscall.O_CLOEXEC)
	if got := described(t, p[0], err); got.kind != "pipe" || got.mode != "r" {
		t.Errorf("pipe: %+v", got)
	}
	if got := described(t, p[1], err); got.kind != "pipe" || got.mode != "w" {
		t.Errorf("pipe: %+v", got)
	}
}

func nonzero(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// Whatever /proc calls them on kernels of different ages.
func TestWhatDoTheLinksInProcMean(t *testing.T) {
	for link, want := range map[string]string{
		"/memfd:name (deleted)":  "memfd name",
		"anon_inode:[eventpoll]": "epoll anon_inode:[eventpoll]",
		"anon_inode:[timerfd]":   "timerfd anon_inode:[timerfd]",
		"anon_inode:inotify":     "inotify anon_inode:inotify",
	} {
		kind, what := kind(-1, &syscall.Stat_t{}, link)
		if got := kind + " " + what; got != want {
			t.Errorf("%s: got %s, want %s", link, got, want)
		}
	}
}

func TestWhichSocketIsADescriptor(t *testing.T) {
	fdtest.NoLeak(t)
	for network, typ := range fdtest.Types {
		a, _ := fdtest.Pair(t, typ)
		d, err := describe(a)
		if err != nil || d.kind != network || d.what != "unnamed to unnamed" {
			t.Errorf("%s: %+v, %v", network, d, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for conn, want := range map[syscall.Conn]string{
		l.(*net.TCPListener): l.Addr().String() + " (listening)",
		c.(*net.TCPConn):     c.LocalAddr().String() + " to " + c.RemoteAddr().String(),
	} {
		err := control(conn, func(fd int) error {
			d, err := describe(fd)
			if d.kind != "tcp" || d.what != want {
				t.Errorf("%+v, want %s", d, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestCanANameWriteToTheTerminal(t *testing.T) {
	fdtest.NoLeak(t)
	name := t.TempDir() + "/\x1b[2Jü\n"
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b strings.Builder
	if err := list(&b, batch{files: []*os.File{f}, bytes: 1, data: []byte{0}}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") || !strings.Contains(b.String(), `\x1b[2Jü\n`) {
		t.Errorf("%q", b.String())
	}
}
