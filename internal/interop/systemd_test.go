//go:build linux

package interop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// notifySocket returns the socket of a service manager, to which its services send
// datagrams, and the variable that names it.
func notifySocket(t *testing.T, max int) (r *fdpass.Receiver, env []string) {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(fdtest.SocketDir(t), "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	bounded(t, conn)
	r, err = fdpass.NewReceiver(conn, fdpass.Options{MaxFDs: max, Credentials: true})
	if err != nil {
		t.Fatal(err)
	}
	return r, append(os.Environ(), "NOTIFY_SOCKET="+addr.Name)
}

// systemd-notify ends by sending a pipe, and waits until everybody has closed
// it who had it, by which time all that was sent before has been read.
func TestDoesSystemdNotifyWaitAtItsBarrier(t *testing.T) {
	notify := program(t, "systemd-notify", "systemd")
	clean(t)
	r, env := notifySocket(t, 1)
	cmd := exec.Command(notify, "--ready", "--status=here")
	cmd.Env = env
	p := start(t, cmd)
	payload := make([]byte, 1024)
	m, err := r.Recv(payload)
	if err != nil || string(m.Payload()) != "READY=1\nSTATUS=here" || len(m.FDs()) != 0 {
		t.Fatalf("got %+v, %v", m, err)
	}
	if cred, ok := m.Credentials(); !ok || int(cred.UID) != os.Getuid() {
		t.Errorf("sent by %+v, %v", cred, ok)
	}
	m, err = r.Recv(payload)
	if err != nil || string(m.Payload()) != "BARRIER=1" || len(m.FDs()) != 1 {
		t.Fatalf("got %+v, %v", m, err)
	}
	barrier := m.TakeFiles()[0]
	defer barrier.Close()
	if info, err := barrier.Stat(); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Errorf("the barrier is %v, %v", info, err)
	}
	has(t, p, []*os.File{barrier})
	barrier.Close()
	p.wait(t)
}

// A service sends descriptors for the manager to keep, here on behalf of
// another process, whose credentials go with them.
func TestDoesLibsystemdSendDescriptorsWithCredentials(t *testing.T) {
	python := needLibsystemd(t)
	const script = `
import ctypes, os, sys
pid, *paths = sys.argv[1:]
fds = [os.open(path, os.O_RDONLY) for path in paths]
lib = ctypes.CDLL("libsystemd.so.0")
n = lib.sd_pid_notify_with_fds(int(pid), 0, b"FDSTORE=1\nFDNAME=kept", (ctypes.c_int * len(fds))(*fds), len(fds))
sys.exit(n <= 0 and "sd_pid_notify_with_fds: %d" % n)
`
	for _, n := range []int{1, 3, 253} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			clean(t)
			r, env := notifySocket(t, 253)
			paths := writeFiles(t, n)
			cmd := exec.Command(python, append([]string{"-c", script, fmt.Sprint(os.Getpid())}, paths...)...)
			cmd.Env = env
			p := start(t, cmd)
			m, err := r.Recv(make([]byte, 1024))
			if err != nil || string(m.Payload()) != "FDSTORE=1\nFDNAME=kept" {
				t.Fatalf("got %+v, %v", m, err)
			}
			files := m.TakeFiles()
			defer closeAll(files)
			if len(files) != n {
				t.Fatalf("sent %d descriptors, got %d", n, len(files))
			}
			for i, path := range paths {
				sameFile(t, files[i], path)
			}
			cred, ok := m.Credentials()
			want := p.Process.Pid
			if mayForge(t) {
				want = os.Getpid()
			}
			if !ok || int(cred.PID) != want || int(cred.UID) != os.Getuid() {
				t.Errorf("the credentials are %+v, %v, and not of process %d", cred, ok, want)
			}
			p.wait(t)
		})
	}
}

// needLibsystemd returns a Python that can call libsystemd.
func needLibsystemd(t *testing.T) (python string) {
	t.Helper()
	python = program(t, "python3", "python3")
	if exec.Command(python, "-c", `import ctypes; ctypes.CDLL("libsystemd.so.0")`).Run() != nil {
		missing(t, "libsystemd.so.0", "libsystemd0")
	}
	return python
}

// mayForge reports whether processes here may send another one's credentials, which
// takes CAP_SYS_ADMIN. Without it libsystemd sends its own.
func mayForge(t *testing.T) bool {
	t.Helper()
	a, _ := fdtest.Conns(t, "unix")
	s, err := fdpass.NewSender(a)
	if err != nil {
		t.Fatal(err)
	}
	parent := fdpass.Credentials{PID: int32(os.Getppid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	_, err = s.SendMessage(&fdpass.Outgoing{Payload: []byte("?"), Credentials: &parent})
	return err == nil
}
