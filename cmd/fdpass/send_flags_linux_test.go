package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

func TestDoesSendHandOutToWhoeverConnects(t *testing.T) {
	fdtest.NoLeak(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, socket := range []string{socketPath(t), fmt.Sprintf("@fdpass-listen-%d", os.Getpid())} {
		s := startFdpass(t, "send", "-listen", "-many", socket, file)
		dial(t, socket) // keeps nobody waiting
		for range 3 {
			out := startFdpass(t, "recv", "-connect", "-wait", socket).succeed()
			if !strings.Contains(out, file) {
				t.Errorf("received %s", out)
			}
			isFrom(t, out, s.Process.Pid)
		}
		s.interrupt()
		if !strings.HasPrefix(socket, "@") {
			isGone(t, socket)
		}
	}
	path := socketPath(t)
	s := startFdpass(t, "send", "-listen", "-from", "54321", path, file)
	startFdpass(t, "recv", "-connect", "-wait", path).fail(1, "no descriptors came before the end")
	s.waitFor(&s.err, "fdpass: refused: ")
	s.interrupt()
	// What it is to send is open already: to open a file may take longer than that.
	s = startFdpass(t, "send", "-listen", "-timeout", "50ms", path, "fd:0")
	s.fail(1, "nobody has taken the descriptors within 50ms")
	isGone(t, path)
}

func TestIsOpeningCoveredByTheLimit(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	startFdpass(t, "send", "-timeout", "50ms", "/tmp/s", fifo).fail(1, "open "+fifo+": timed out")
	// With a writer it goes through.
	path := socketPath(t)
	r := startFdpass(t, "recv", "-cat", path)
	s := startFdpass(t, "send", "-wait", path, fifo)
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.succeed()
	w.WriteString("through")
	w.Close()
	if got := r.succeed(); got != "through" {
		t.Errorf("received %q", got)
	}
}

func TestWhichPayloadIsSent(t *testing.T) {
	fdtest.NoLeak(t)
	file := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(file, []byte("\x00\x01\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ flag, value, want string }{
		{"-data", "text", `with 4 bytes: "text"`},
		{"-data", "@" + file, `with 3 bytes: "\x00\x01\xff"`},
		{"-hex", "0001ff", `with 3 bytes: "\x00\x01\xff"`},
		{"-hex", "00 01\tff", `with 3 bytes: "\x00\x01\xff"`},
	} {
		path := socketPath(t)
		r := startFdpass(t, "recv", path)
		startFdpass(t, "send", "-wait", c.flag, c.value, path, "/dev/null").succeed()
		if out := r.succeed(); !strings.Contains(out, c.want) {
			t.Errorf("%s %s: %s", c.flag, c.value, out)
		}
	}
	startFdpass(t, "send", "-hex", "0", "/tmp/s", "/dev/null").fail(2, "pairs of hex digits")
	startFdpass(t, "send", "-hex", "00", "-data", "x", "/tmp/s", "/dev/null").fail(2, "either -data or -hex")
	startFdpass(t, "send", "-data", "@/no/such/file", "/tmp/s", "/dev/null").fail(1, "no such file")
	startFdpass(t, "send", "-many", "/tmp/s", "/dev/null").fail(2, "for -listen")
	startFdpass(t, "send", "-listen", "fd:3", "/dev/null").fail(2, "makes a socket")
}

// The address of a socket holds 107 bytes of an abstract name as well.
func TestDoesTheLongestNameWork(t *testing.T) {
	fdtest.NoLeak(t)
	name := fmt.Sprintf("@fdpass-long-%d-", os.Getpid())
	name += strings.Repeat("x", 108-len(name))
	r := startFdpass(t, "recv", "-cat", name)
	startFdpass(t, "send", "-wait", name, fdtest.Files(t, 1)[0].Name()).succeed()
	if got := r.succeed(); got != fdtest.Contents(0) {
		t.Errorf("received %q", got)
	}
}

// Between bind(2) and listen(2), a socket refuses connections of its own type.
func TestDoesSendWaitForASocketOfAnyTypeToListen(t *testing.T) {
	fdtest.NoLeak(t)
	for _, typ := range []int{syscall.SOCK_STREAM, syscall.SOCK_SEQPACKET} {
		path := socketPath(t)
		fd, err := syscall.Socket(syscall.AF_UNIX, typ|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		p := startFdpass(t, "send", "-wait", path, fdtest.Files(t, 1)[0].Name())
		time.Sleep(100 * time.Millisecond) // it tries every 20 ms
		if err := syscall.Listen(fd, 1); err != nil {
			t.Fatal(err)
		}
		p.succeed()
		fdtest.Close(t, fd)
	}
}
