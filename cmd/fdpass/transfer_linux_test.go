package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestDoFilesGetAcrossByPathAndByAbstractName(t *testing.T) {
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 2)
	for _, socket := range []string{socketPath(t), fmt.Sprintf("@fdpass-test-%d", os.Getpid())} {
		r := startFdpass(t, "recv", "-cat", "-timeout", "20s", socket)
		startFdpass(t, "send", "-wait", socket, files[0].Name(), files[1].Name()).succeed()
		if got, want := r.succeed(), fdtest.Contents(0)+fdtest.Contents(1); got != want {
			t.Errorf("%s: received %q, want %q", socket, got, want)
		}
	}
}

func TestWhatDoesTheListSay(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorThread)
	fdtest.NoLeak(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := socketPath(t)
	r := startFdpass(t, "recv", path)
	p := startFdpass(t, "send", "-wait", "-w", "-data", "hello\n",
		path, file, "/dev/null", "listen:127.0.0.1:0")
	p.succeed()
	lines := strings.Split(r.succeed(), "\n")
	want := [][]string{
		strings.Fields(`received 3 descriptors with 6 bytes: "hello\n"`),
		// Its program is named if it has not ended by then; TestWhatDoesTheListSayInJSON looks at that.
		{fmt.Sprintf("from process %d ", p.Process.Pid), fmt.Sprintf(" of user %d", os.Getuid())},
		strings.Fields("FD KIND MODE OFFSET SIZE WHAT"),
		{"file", "rw", "0", "5", file},
		{"device", "rw", "-", "-", "/dev/null"},
		{"tcp", "rw", "-", "-", "127.0.0.1:", "(listening)"},
	}
	for i, words := range want {
		for _, w := range words {
			if i >= len(lines) || !strings.Contains(lines[i], w) {
				t.Fatalf("line %d should have %q:\n%s", i+1, w, r.out.String())
			}
		}
	}
}

// Copying out goes on where the sender stands, and moves the sender along.
func TestDoesCatBeginWhereTheSenderStands(t *testing.T) {
	fdtest.NoLeak(t)
	f := fdtest.Files(t, 1)[0]
	if _, err := f.Seek(5, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	path := socketPath(t)
	r := startFdpass(t, "recv", "-cat", path)
	send(t, path, f)
	if got, want := r.succeed(), fdtest.Contents(0)[5:]; got != want {
		t.Errorf("copied %q, want %q", got, want)
	}
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != int64(len(fdtest.Contents(0))) {
		t.Errorf("the sender stands at %d, %v", at, err)
	}
}

func TestAreExactlyNDescriptorsReceived(t *testing.T) {
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 3)
	path := socketPath(t)
	r := startFdpass(t, "recv", "-n", "3", "-cat", path)
	dial(t, path).Close() // a connection that brings nothing
	conn := dial(t, path)
	for _, some := range [][]*os.File{files[:1], files[1:]} {
		if err := fdpass.Send(conn, some...); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := r.succeed(), "file 0\nfile 1\nfile 2\n"; got != want {
		t.Errorf("received %q, want %q", got, want)
	}
	r = startFdpass(t, "recv", "-n", "2", path)
	send(t, path, files...)
	r.fail(1, "more than 2 descriptors came")
	isGone(t, path)
}

func TestWhatIsSaidWhenNoDescriptorsCome(t *testing.T) {
	fdtest.NoLeak(t)
	startFdpass(t, "recv", "-timeout", "50ms", socketPath(t)).fail(1, "no descriptors came within 50ms")
	a, b := socketPair(t)
	if _, err := a.Write([]byte("text")); err != nil {
		t.Fatal(err)
	}
	a.Close()
	p := fdpassCommand(t, "recv", "fd:3")
	p.ExtraFiles = []*os.File{b}
	p.begin()
	p.fail(1, "no descriptors came before the end")
}

func TestDoesManyGoOnAfterWhatWentWrong(t *testing.T) {
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 3)
	path := socketPath(t)
	r := startFdpass(t, "recv", "-many", "-cat", "-n", "1", "-timeout", "20s", path)
	send(t, path, files[0])
	if want := "file 0\n"; r.until(want) != want {
		t.Fatalf("received %q, want %q", r.out.String(), want)
	}
	send(t, path, files...) // too many
	send(t, path, files[2])
	want := "file 0\nfile 2\n"
	if got := r.until(want); got != want {
		t.Errorf("received %q, want %q", got, want)
	}
	r.waitFor(&r.err, "fdpass: more than 1 descriptors came")
	r.Process.Kill()
	r.end()
}

// tcpServer accepts one connection, on which it says hello.
func tcpServer(t *testing.T, addr string) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("needs %s: %v", addr, err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Write([]byte("hello\n"))
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr)
}

func TestDoesATCPConnectionGetAcrossBlocking(t *testing.T) {
	for _, c := range []struct{ listen, name string }{
		{"127.0.0.1:0", "tcp:127.0.0.1:%d"},
		{"[::1]:0", "tcp:::1:%d"},
		{"[::1]:0", "tcp:[::1]:%d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fdtest.NoLeak(t)
			addr := tcpServer(t, c.listen)
			path := socketPath(t)
			files := receive(t, path, func() {
				startFdpass(t, "send", "-wait", path, fmt.Sprintf(c.name, addr.Port)).succeed()
			})
			defer closeAll(files)
			if isNonblocking(t, files[0]) {
				t.Error("it is nonblocking")
			}
			if b, err := io.ReadAll(files[0]); string(b) != "hello\n" {
				t.Errorf("read %q, %v", b, err)
			}
		})
	}
}

// receive is one message's descriptors, which what do starts sends to path.
func receive(t *testing.T, path string, do func()) []*os.File {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	do()
	l.SetDeadline(time.Now().Add(patience))
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	files, err := fdpass.Recv(conn, rawmsg.SCM_MAX_FD)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDoesATCPListenerGetAcrossListening(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	files := receive(t, path, func() {
		startFdpass(t, "send", path, "listen:127.0.0.1:0").succeed()
	})
	defer closeAll(files)
	if isNonblocking(t, files[0]) {
		t.Error("it is nonblocking")
	}
	l, err := net.FileListener(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.DialTimeout("tcp", l.Addr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestWhatIsAHostAndPort(t *testing.T) {
	for in, want := range map[string]string{
		"localhost:22":    "localhost:22",
		"::1:22":          "[::1]:22",
		"[::1]:22":        "[::1]:22",
		"fe80::1%eth0:22": "[fe80::1%eth0]:22",
		":8080":           ":8080",
		"[::]:80":         "[::]:80",
		"::::ssh":         "",
		"localhost":       "",
		"localhost:":      "",
		"::1":             "",
		"a:b:22":          "",
	} {
		got, err := hostPort(in, in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	for _, c := range []struct {
		file    string
		status  int
		message string
	}{
		{"/no/such/file", 1, "no such file"},
		{"fd:99", 1, "not started with this descriptor"},
		{"fd:", 2, "fd:N"},
		{"tcp:localhost", 2, "port is missing"},
		{"-w", 2, "flags go before"},
	} {
		startFdpass(t, "send", path, c.file).fail(c.status, c.message)
	}
}

// A named pipe stays blocking as well, for which it must not be opened with
// os.Open.
func TestIsANamedPipeSentBlocking(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var name string
	control(r, func(fd int) error { name = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd); return nil })
	files := receive(t, path, func() { startFdpass(t, "send", path, name).succeed() })
	defer closeAll(files)
	if isNonblocking(t, files[0]) {
		t.Error("it is nonblocking")
	}
}

func TestDoesSSHUseTheConnection(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("needs ssh: apt-get install openssh-client")
	}
	fdtest.SkipUnderQemuUser(t, "ssh starts the command itself")
	fdtest.NoLeak(t)
	for _, addr := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
		if err != nil {
			t.Logf("without %s: %v", addr, err)
			continue
		}
		p := fdpassCommand(t)
		p.Path = ssh
		p.Args = []string{"ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20",
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
			"-o", "ProxyUseFdpass=yes", "-o", "ProxyCommand='" + os.Args[0] + "' send fd:1 tcp:%h:%p",
			"-p", strconv.Itoa(l.Addr().(*net.TCPAddr).Port), addr, "true"}
		p.begin()
		l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		c, err := l.Accept()
		if err != nil {
			t.Fatalf("%v\n%s", err, p.err.String())
		}
		c.SetDeadline(time.Now().Add(patience))
		c.Write([]byte("SSH-2.0-test\r\n"))
		b := make([]byte, 7)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "SSH-2.0" {
			t.Errorf("%s: ssh says %q, %v\n%s", addr, b, err, p.err.String())
		}
		c.Close()
		l.Close()
		p.end()
	}
}
