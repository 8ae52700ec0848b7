package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// waitFor waits until a text shows up in what a process writes.
func (p *process) waitFor(o *output, text string) {
	p.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(o.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%q: no %q in %q; errors: %q", p.Args[1:], text, o.String(), p.err.String())
		}
	}
}

// interrupt ends a process that goes on for ever.
func (p *process) interrupt() {
	p.t.Helper()
	p.Process.Signal(syscall.SIGTERM)
	p.end()
}

// pause stops a process, and returns when it has stopped.
func (p *process) pause() {
	p.t.Helper()
	p.Process.Signal(syscall.SIGSTOP)
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
		if err != nil || time.Now().After(end) {
			p.t.Fatalf("it does not stop: %s, %v", stat, err)
		}
		if strings.Contains(string(stat), ") T ") {
			return
		}
	}
}

func TestDoesAnIdleConnectionKeepOthersWaiting(t *testing.T) {
	fdtest.NoLeak(t)
	for _, flags := range [][]string{
		{"-cat"}, {"-cat", "-n", "1"}, {"-cat", "-many"}, {"-cat", "-many", "-timeout", "20s"},
	} {
		path := socketPath(t)
		p := startFdpass(t, append(append([]string{"recv"}, flags...), path)...)
		for range 3 {
			dial(t, path)
		}
		send(t, path, fdtest.Files(t, 1)...)
		p.waitFor(&p.out, fdtest.Contents(0))
		p.interrupt()
	}
}

func TestAreDescriptorsOfTwoConnectionsEverPutTogether(t *testing.T) {
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 3)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-n", "2", "-cat", path)
	open := dial(t, path) // brings one and waits
	if err := fdpass.Send(open, files[0]); err != nil {
		t.Fatal(err)
	}
	send(t, path, files[0]) // brings one and ends
	p.waitFor(&p.err, "only 1 of 2 descriptors came before the end")
	send(t, path, files[1:]...)
	if got, want := p.succeed(), fdtest.Contents(1)+fdtest.Contents(2); got != want {
		t.Errorf("received %q, want %q", got, want)
	}
}

// What a peer can send to end recv -many: each is an error, and the next is served.
func TestDoesAnyMessageEndMany(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	fd, err := syscall.Open("/etc/passwd", oPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	only := os.NewFile(uintptr(fd), "path")
	defer only.Close()
	files := fdtest.Files(t, 2)
	for _, c := range []struct {
		args  []string
		bad   []*os.File
		error string
		good  string
	}{
		{[]string{"-cat"}, []*os.File{dir}, "dir /: is a directory", fdtest.Contents(0)},
		{[]string{"-cat"}, []*os.File{only}, "file /etc/passwd: bad file descriptor", fdtest.Contents(0)},
		{[]string{"-names", "a"}, nil, "", "names a\n"},
		{[]string{"-names", "a:b"}, files[:1], "2 names for 1 descriptor", "names a:b\n"},
		{[]string{"-cat", "-n", "1"}, files, "more than 1 descriptors came", fdtest.Contents(0)},
	} {
		path := socketPath(t)
		args := append(append([]string{"recv", "-many"}, c.args...), path)
		if c.args[0] == "-names" {
			args = append(args, "--", self, "report")
		}
		p := startFdpass(t, args...)
		if c.bad != nil {
			send(t, path, c.bad...)
			p.waitFor(&p.err, c.error)
		}
		files := fdtest.Files(t, 2)
		good := files[:1]
		if strings.Contains(strings.Join(c.args, " "), ":") {
			good = files
		}
		send(t, path, good...)
		p.waitFor(&p.out, c.good)
		p.interrupt()
	}
}

// With -cat the others are copied, and the status is that of a failure.
func TestDoesCatGoOnAfterWhatCannotBeRead(t *testing.T) {
	fdtest.NoLeak(t)
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	files := fdtest.Files(t, 1)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-cat", path)
	send(t, path, dir, files[0])
	p.fail(1, "dir /: is a directory")
	if got := p.out.String(); got != fdtest.Contents(0) {
		t.Errorf("copied %q", got)
	}
}

func TestIsALimitEachConnectionsOwn(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-many", "-cat", "-timeout", "50ms", path)
	idle := dial(t, path)
	p.waitFor(&p.err, "no descriptors came within 50ms")
	idle.SetReadDeadline(time.Now().Add(patience))
	if n, err := idle.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("the connection has not been closed: %d, %v", n, err)
	}
	p.sendUntil(&p.out, fdtest.Contents(0), path, fdtest.Files(t, 1)...)
	p.interrupt()
}

// sendUntil sends files to whoever listens at path, again and again until a text shows
// up in what a process writes. It is for a process that waits so shortly for what a
// connection brings that it can miss it.
func (p *process) sendUntil(o *output, text, path string, files ...*os.File) {
	p.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(o.String(), text); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%q: no %q in %q; errors: %q", p.Args[1:], text, o.String(), p.err.String())
		}
		conn := dial(p.t, path)
		fdpass.Send(conn, files...) // fails where it came too late
		conn.Close()
	}
}

// A pipe that nobody writes to is read from only by its own connection.
func TestDoesAnEmptyPipeKeepOthersFromBeingCopied(t *testing.T) {
	fdtest.NoLeak(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	path := socketPath(t)
	p := startFdpass(t, "recv", "-many", "-cat", path)
	send(t, path, r)
	send(t, path, fdtest.Files(t, 1)...)
	p.waitFor(&p.out, fdtest.Contents(0))
	p.interrupt()
	// With a limit it is named in the end.
	p = startFdpass(t, "recv", "-many", "-cat", "-timeout", "100ms", path)
	p.sendUntil(&p.err, "pipe:[", path, r)
	p.interrupt()
}

// Idle connections, and descriptors that never end, take all the numbers that the
// process may have.
func TestDoesAFullTableKeepOthersFromBeingServed(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "the limit would be the emulator's, too")
	fdtest.NoLeak(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, fds := range []int{0, 3} {
		path := socketPath(t)
		p := fdpassCommand(t, "recv", "-many", "-cat", path)
		p.Args = append([]string{"sh", "-c", `ulimit -n 40; exec "$0" "$@"`, p.Path}, p.Args[1:]...)
		p.Path = "/bin/sh"
		p.begin()
		for range 40 {
			conn := dial(t, path)
			if fds > 0 {
				fdpass.Send(conn, r, r, r) // fails where it has been closed already
			}
		}
		p.waitFor(&p.err, "the place was needed for another connection")
		// A connection that brings something can have to give way, too.
		p.sendUntil(&p.out, fdtest.Contents(0), path, fdtest.Files(t, 1)...)
		p.interrupt()
	}
}

func TestWhichConnectionGivesWay(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-many", "-cat", path)
	idle := make([]*net.UnixConn, maxSessions+1)
	for i := range idle {
		idle[i] = dial(t, path)
	}
	p.waitFor(&p.err, "the place was needed for another connection")
	send(t, path, fdtest.Files(t, 1)...)
	p.waitFor(&p.out, fdtest.Contents(0))
	p.interrupt()
}

// Whoever closes the last descriptor of this socket waits for a minute.
func lingering(t *testing.T) *os.File {
	t.Helper()
	fdtest.SkipUnderGVisor(t, fdtest.GVisorLinger)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	for b := make([]byte, 1<<20); err == nil; { // nobody reads
		_, err = c.Write(b)
	}
	c.(*net.TCPConn).SetLinger(60)
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	if err := setFlags(f, 0); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDoesASocketThatLingersKeepOthersWaiting(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-many", "-n", "1", path)
	f := lingering(t)
	conn := dial(t, path)
	p.pause()
	if err := fdpass.Send(conn, f); err != nil {
		t.Fatal(err)
	}
	f.Close() // the last one is the receiver's
	p.Process.Signal(syscall.SIGCONT)
	p.waitFor(&p.out, " tcp ")
	send(t, path, fdtest.Files(t, 1)...)
	p.waitFor(&p.out, " file ")
	p.Process.Kill()
	p.end()
}

// CMD has what it was sent, and not the socket that it came by.
func TestDoesAProgramGetTheSocketAsWell(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	for _, fd := range []int{3, 4, 9} {
		for _, flags := range [][]string{nil, {"-many"}} {
			a, b := socketPair(t)
			args := append(append([]string{"recv"}, flags...), fmt.Sprintf("fd:%d", fd), "--", self, "report")
			p := fdpassCommand(t, args...)
			p.ExtraFiles = make([]*os.File, fd-2)
			p.ExtraFiles[fd-3] = b
			p.begin()
			b.Close()
			if err := fdpass.Send(a, fdtest.Files(t, 1)...); err != nil {
				t.Fatal(err)
			}
			a.Close()
			if got, want := p.succeed(), reported("unknown", 0); got != want {
				t.Errorf("fd:%d %v:\n%swant\n%s", fd, flags, got, want)
			}
		}
	}
}

func TestWhatIsTheStandardInputOfAProgramAfterASocket(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	a, b := socketPair(t)
	p := fdpassCommand(t, "recv", "fd:0", "--", "readlink", "/proc/self/fd/0")
	p.Stdin = b
	p.begin()
	if err := fdpass.Send(a, fdtest.Files(t, 1)...); err != nil {
		t.Fatal(err)
	}
	if got := p.succeed(); got != "/dev/null\n" {
		t.Errorf("it is %q", got)
	}
}

// A server that has bound its socket and does not listen yet.
func TestDoesASlowServerKeepItsSocket(t *testing.T) {
	fdtest.SkipUnderGVisor(t, "a socket that does not listen yet refuses like one that is gone")
	fdtest.NoLeak(t)
	for _, typ := range fdtest.Types {
		path := socketPath(t)
		fd := fdtest.Socket(t, syscall.AF_UNIX, typ)
		if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		before := appears(t, path)
		startFdpass(t, "recv", path).fail(1, "somebody listens there")
		if !os.SameFile(before, appears(t, path)) {
			t.Errorf("type %d: the socket is another one", typ)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); left != nil {
			t.Errorf("left behind: %v", left)
		}
	}
}

// Anyone who can read the directory can lock it.
func TestDoesALockKeepAStaleSocketFromBeingReplaced(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	l, err := bind(path, "unix", makePrivate)
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := control(dir, func(fd int) error { return syscall.Flock(fd, syscall.LOCK_EX) }); err != nil {
		t.Fatal(err)
	}
	p := startFdpass(t, "recv", "-cat", path)
	send(t, path, fdtest.Files(t, 1)...)
	if got := p.succeed(); got != fdtest.Contents(0) {
		t.Errorf("received %q", got)
	}
	isGone(t, path)
}

// Names that other programs choose, in every place where they are printed.
func TestCanAPeerWriteToTheTerminal(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	const evil = "\x1b[2J\u009b\u202e\n"
	dir := t.TempDir()
	name := filepath.Join(dir, evil)
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, args := range [][]string{{"recv"}, {"recv", "-json"}, {"recv", "-cat"}} {
		path := socketPath(t)
		p := startFdpass(t, append(args, path)...)
		file := name
		if args[len(args)-1] == "-cat" {
			file = dir + "/" + evil + "d"
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		startFdpass(t, "send", "-wait", "-data", evil, path, file).succeed()
		p.end()
		texts = append(texts, p.out.String(), p.err.String())
	}
	for _, args := range [][]string{
		{"send", "/tmp/" + evil, name}, {"send", "@x", "/" + evil}, {"send", "-timeout", evil},
		{"recv", "-from", evil, "/tmp/s"}, {"recv", "-payload", "/" + evil + "/x", "/tmp/s"},
		{"recv", "/tmp/s", "--", evil}, {"demo", name}, {"demo", "/" + evil}, {evil}, {"help", evil},
		{"decode", evil}, {"layout", evil}, {"layout", "-show", evil},
	} {
		p := startFdpass(t, args...)
		p.end()
		texts = append(texts, p.out.String(), p.err.String())
	}
	texts = append(texts, peer{known: true, pid: 1, program: evil}.String())
	for _, text := range texts {
		if strings.ContainsAny(text, "\x1b\u009b\u202e") {
			t.Errorf("%q", text)
		}
	}
}
