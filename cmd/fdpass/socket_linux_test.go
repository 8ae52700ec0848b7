package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestIsTheSocketItsOwnersAloneWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077} {
		path := socketPath(t)
		old := syscall.Umask(umask)
		l, err := listen(path, "unix", private, makePrivate)
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		if mode := appears(t, path).Mode(); mode != fs.ModeSocket|0o600 {
			t.Errorf("umask %03o: mode is %v", umask, mode)
		}
		l.Close()
		isGone(t, path)
	}
}

// The mode is right from the beginning, not mended after bind: a socket that
// bind made with another mode would show here.
func TestIsTheModeSetBeforeTheSocketIsThere(t *testing.T) {
	path := socketPath(t)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer fdtest.Close(t, fd)
	if err := syscall.Fchmod(fd, 0o600); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0))
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if mode := appears(t, path).Mode(); mode != fs.ModeSocket|0o600 {
		t.Errorf("this kernel gives the socket's file the mode %v", mode)
	}
}

func TestDoesASignalRemoveTheSocketAndEndTheProcess(t *testing.T) {
	fdtest.NoLeak(t)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if signal.Ignored(s) { // as under nohup(1); the command goes on then
			t.Logf("%v is ignored here and was not tried", s)
			continue
		}
		for _, flags := range [][]string{nil, {"-many"}} {
			path := socketPath(t)
			p := startFdpass(t, append(append([]string{"recv"}, flags...), path)...)
			appears(t, path)
			p.Process.Signal(s)
			p.end()
			ws := p.ProcessState.Sys().(syscall.WaitStatus)
			died := ws.Signaled() && ws.Signal() == s
			if !died && (s != syscall.SIGQUIT || ws.ExitStatus() != 128+int(s)) {
				t.Errorf("%v %v: ended with %v", s, flags, p.ProcessState)
			}
			if s := p.err.String(); s != "" {
				t.Errorf("it writes %q", s)
			}
			isGone(t, path)
		}
	}
}

// A shell's pipeline whose reader has gone: recv -many /tmp/s | head -1.
func TestIsTheSocketRemovedWhenNobodyReadsTheOutput(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	p := fdpassCommand(t, "recv", "-many", path)
	p.Stdout = w
	p.begin()
	w.Close()
	send(t, path, fdtest.Files(t, 1)...)
	p.fail(1, "broken pipe")
	isGone(t, path)
}

func TestIsAnythingButASocketLeftAlone(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	other := filepath.Join(filepath.Dir(path), "file")
	if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink("dangling", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{other, link, filepath.Dir(path)} {
		startFdpass(t, "recv", path).fail(1, "is no socket")
	}
	if b, err := os.ReadFile(other); string(b) != "mine" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Error(err)
	}
}

func TestIsASocketThatSomebodyListensOnLeftAlone(t *testing.T) {
	fdtest.NoLeak(t)
	for _, network := range []string{"unix", "unixpacket", "unixgram"} {
		path := socketPath(t)
		closeIt := listenOn(t, network, path)
		before := appears(t, path)
		startFdpass(t, "recv", path).fail(1, "somebody listens there")
		if !os.SameFile(before, appears(t, path)) {
			t.Errorf("%s: the socket is another one", network)
		}
		closeIt()
	}
}

func listenOn(t *testing.T, network, path string) (closeIt func() error) {
	t.Helper()
	addr := &net.UnixAddr{Name: path, Net: network}
	if network == "unixgram" {
		c, err := net.ListenUnixgram(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		return c.Close
	}
	l, err := net.ListenUnix(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	return l.Close
}

func TestIsASocketThatNobodyListensOnReplaced(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	appears(t, path)
	p := startFdpass(t, "recv", path)
	send(t, path, fdtest.Files(t, 1)...)
	p.succeed()
	isGone(t, path)
}

// Of many that find the same stale socket one replaces it, and the others find
// that somebody listens.
func TestDoesOneOfManyReplaceAStaleSocket(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	l, err := bind(path, "unix", makePrivate)
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	const many = 8
	results := make(chan *net.UnixListener, many)
	for range many {
		go func() {
			var l *net.UnixListener
			err := removeStale(path)
			if err == nil {
				l, err = bind(path, "unix", makePrivate)
			}
			if errors.Is(err, syscall.EADDRINUSE) {
				err = nil // another one was faster
			}
			if err != nil && !strings.Contains(err.Error(), "somebody listens there") {
				t.Error(err)
			}
			results <- l
		}()
	}
	got := 0
	for range many {
		if l := <-results; l != nil {
			got++
			defer l.Close()
		}
	}
	if got != 1 {
		t.Errorf("%d of %d listen", got, many)
	}
}

// The name can have passed on to somebody else's socket meanwhile.
func TestIsASocketOfSomebodyElseRemovedAtTheEnd(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-many", path)
	send(t, path, fdtest.Files(t, 1)...)
	if s := "received 1 descriptor"; !strings.HasPrefix(p.until(s), s) {
		t.Fatalf("it does not serve: %q", p.err.String())
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	defer listenOn(t, "unix", path)()
	p.Process.Signal(syscall.SIGTERM)
	p.end()
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

// Both commands leave the flags of the socket that they were started with:
// others have it, too, and may not expect it to be nonblocking.
func TestDoesAnInheritedSocketStayBlocking(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := socketPair(t)
	files := fdtest.Files(t, 1)
	s := fdpassCommand(t, "send", "fd:3", "fd:4")
	s.ExtraFiles = []*os.File{a, files[0]}
	s.begin()
	if out := s.succeed(); out != "" {
		t.Errorf("send wrote %q to stdout, which may be the socket", out)
	}
	r := fdpassCommand(t, "recv", "-cat", "fd:3")
	r.ExtraFiles = []*os.File{b}
	r.begin()
	if got := r.succeed(); got != fdtest.Contents(0) {
		t.Errorf("received %q", got)
	}
	for _, f := range []*os.File{a, b, files[0]} {
		if isNonblocking(t, f) {
			t.Errorf("%s has become nonblocking", f.Name())
		}
	}
}

func isNonblocking(t *testing.T, conn syscall.Conn) bool {
	t.Helper()
	var flags int
	err := control(conn, func(fd int) (err error) {
		flags, err = fcntl(fd, syscall.F_GETFL, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return flags&syscall.O_NONBLOCK != 0
}

func TestWhatCannotBeAnInheritedSocket(t *testing.T) {
	fdtest.NoLeak(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tcp, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	for _, c := range []struct{ socket, message string }{
		{"fd:3", "is no Unix socket: pipe"},
		{"fd:4", "is no Unix socket: file"},
		{"fd:5", "is no Unix socket: tcp"},
		{"fd:77", "not started with this descriptor"},
	} {
		for _, args := range [][]string{{"send", c.socket, "/dev/null"}, {"recv", c.socket}} {
			p := fdpassCommand(t, args...)
			p.ExtraFiles = []*os.File{r, fdtest.Files(t, 1)[0], tcp}
			p.begin()
			p.fail(1, c.message)
		}
	}
}

// The runtime's own descriptors have numbers as well, and they are not to be
// sent by mistake.
func TestIsADescriptorOfTheRuntimeTakenForAnInheritedOne(t *testing.T) {
	fdtest.NoLeak(t)
	a, _ := fdtest.Pair(t, syscall.SOCK_STREAM) // close-on-exec, as the runtime's are
	if f, err := inherited(a, "fd:3"); err == nil {
		f.Close()
		t.Error("it is")
	}
	if err := setCloseOnExec(a, 0); err != nil {
		t.Fatal(err)
	}
	f, err := inherited(a, "fd:3")
	if err != nil {
		t.Fatalf("nor is one that exec would leave open: %v", err)
	}
	f.Close()
}

func setCloseOnExec(fd, flag int) error {
	_, err := fcntl(fd, syscall.F_SETFD, flag)
	return err
}

func TestDoesRecvAcceptOnAnInheritedListener(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := setFlags(f, 0); err != nil { // blocking, as most programs make it
		t.Fatal(err)
	}
	needsAcceptConn(t, f)
	p := fdpassCommand(t, "recv", "-cat", "fd:3")
	p.ExtraFiles = []*os.File{f}
	p.begin()
	send(t, path, fdtest.Files(t, 1)...)
	if got := p.succeed(); got != fdtest.Contents(0) {
		t.Errorf("received %q", got)
	}
	if isNonblocking(t, f) {
		t.Error("the listener has become nonblocking")
	}
	appears(t, path) // it was not fdpass that made it
}

func TestDoesConnectReceiveFromAListenerOfEachType(t *testing.T) {
	fdtest.NoLeak(t)
	for _, network := range []string{"unix", "unixpacket"} {
		path := socketPath(t)
		l, err := net.ListenUnix(network, &net.UnixAddr{Name: path, Net: network})
		if err != nil {
			t.Fatal(err)
		}
		p := startFdpass(t, "recv", "-connect", "-cat", path)
		l.SetDeadline(time.Now().Add(patience))
		conn, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		if err := fdpass.Send(conn, fdtest.Files(t, 1)...); err != nil {
			t.Fatal(err)
		}
		if got := p.succeed(); got != fdtest.Contents(0) {
			t.Errorf("%s: received %q", network, got)
		}
		conn.Close()
		l.Close()
	}
}

func TestDoesSendWaitForTheSocketAndNotForEver(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	startFdpass(t, "send", "-timeout", "0", path, "/dev/null").fail(1, "no such file")
	startFdpass(t, "send", "-wait", "-timeout", "50ms", path, "/dev/null").fail(1, "timed out")
	s := startFdpass(t, "send", "-wait", path, "/dev/null")
	r := startFdpass(t, "recv", path)
	s.succeed()
	if out := r.succeed(); !strings.Contains(out, "/dev/null") {
		t.Errorf("received %q", out)
	}
}

func TestWhatIsAnAddress(t *testing.T) {
	for _, c := range []struct {
		s  string
		fd int
		ok bool
	}{
		{"/tmp/s", -1, true},
		{"@s", -1, true},
		{"./fd:3", -1, true},
		{"fd:0", 0, true},
		{"fd:12", 12, true},
		{"fd:", 0, false},
		{"fd:-1", 0, false},
		{"fd:x", 0, false},
		{"", 0, false},
		{"@", 0, false},
		{strings.Repeat("x", 107), -1, true},
		{strings.Repeat("x", 108), 0, false},
		{"@" + strings.Repeat("x", 107), -1, true},
		{"@" + strings.Repeat("x", 108), 0, false},
	} {
		a, err := parseAddress(c.s)
		if (err == nil) != c.ok || c.ok && a.fd != c.fd {
			t.Errorf("%s: %v, %v", c.s, a, err)
		}
	}
}

// Somebody may send as soon as the socket has a name.
func TestDoesTheFirstDatagramHaveItsCredentials(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	l, err := listen(path, "unixgram", private, makePrivate)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := fdpass.Send(dial(t, path), fdtest.Files(t, 1)...); err != nil {
		t.Fatal(err)
	}
	s, err := (&receiver{n: 1}).newSession(l.datagrams, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.in.Close()
	b, err := s.gather(time.Now().Add(20 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	closeAll(b.files)
	if int(fdtest.Process(fdpass.Credentials{PID: b.peer.pid}).PID) != os.Getpid() {
		t.Errorf("it came from %+v", b.peer)
	}
}
