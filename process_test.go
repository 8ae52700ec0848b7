//go:build linux

package fdpass_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// TestMain lets this test binary run as a second process, too.
func TestMain(m *testing.M) {
	fdtest.Main(m, map[string]func(args []string) error{
		"send files":  sendFiles,
		"print files": printFiles,
		"relay":       relayAsNobody,

		"without close_range": withoutCloseRange,
	})
}

// sendFiles connects to the socket args[0] and sends the files args[1:] in one
// message, which says how many they are. It stays until its input ends.
func sendFiles(args []string) error {
	conn, err := net.Dial("unix", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	var files []*os.File
	for _, name := range args[1:] {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	_, err = fdpass.SendMsg(conn.(*net.UnixConn), []byte(strconv.Itoa(len(files))), files...)
	io.Copy(io.Discard, os.Stdin)
	return err
}

// printFiles receives a message on descriptor 3 and prints what its files hold.
func printFiles([]string) error {
	fds, err := fdpass.RecvFDs(3, rawmsg.SCM_MAX_FD)
	if err != nil {
		return err
	}
	for _, fd := range fds {
		f := os.NewFile(uintptr(fd), "received")
		if _, err := io.Copy(os.Stdout, f); err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// fromSender starts a second process that sends files, and accepts its
// connection. The process stays until the end of its input.
func fromSender(t *testing.T, files ...string) (*net.UnixConn, *exec.Cmd, io.Closer) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{
		Name: filepath.Join(fdtest.SocketDir(t), "s"), Net: "unix",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetDeadline(fdtest.Soon())
	cmd := fdtest.Command(t, "send files", append([]string{l.Addr().String()}, files...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(fdtest.Soon())
	return conn, cmd, stdin
}

func TestDoFilesComeFromAnotherProcess(t *testing.T) {
	fdtest.NoLeak(t)
	var names []string
	for _, f := range fdtest.Files(t, 3) {
		names = append(names, f.Name())
	}
	conn, cmd, stdin := fromSender(t, names...)
	p := make([]byte, 16)
	n, files, err := fdpass.RecvMsg(conn, p, 3)
	if err != nil || string(p[:n]) != "3" || len(files) != 3 {
		t.Fatalf("got %q, %d files, %v", p[:n], len(files), err)
	}
	for i, f := range files {
		defer f.Close()
		if data, err := io.ReadAll(f); err != nil || string(data) != fdtest.Contents(i) {
			t.Errorf("file %d: %q, %v", i, data, err)
		}
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error("the sender:", err)
	}
	if _, files, err = fdpass.RecvMsg(conn, p, 3); !errors.Is(err, io.EOF) || files != nil {
		t.Errorf("at the end: %v, %v", files, err)
	}
}

func TestDoesAnotherProcessReadTheFilesItIsSent(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			child, err := b.File()
			if err != nil {
				t.Fatal(err)
			}
			defer child.Close()
			cmd := fdtest.Command(t, "print files")
			cmd.ExtraFiles = []*os.File{child}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if err := fdpass.Send(a, fdtest.Files(t, 3)...); err != nil {
				t.Error(err)
			}
			lines := bufio.NewScanner(out)
			for i := range 3 {
				if !lines.Scan() || lines.Text()+"\n" != fdtest.Contents(i) {
					t.Errorf("line %d: %q, %v", i, lines.Text(), lines.Err())
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Error("the receiver:", err)
			}
		})
	}
}

func TestIsTheOtherProcessTheOneThatCredentialsName(t *testing.T) {
	fdtest.NeedsLinux(t, "a description of the peer")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
	fdtest.NoLeak(t)
	conn, cmd, stdin := fromSender(t)
	defer cmd.Wait()
	defer stdin.Close()
	pid := cmd.Process.Pid
	cred, err := fdpass.PeerCredentials(conn)
	want := (fdpass.Credentials{PID: int32(pid), UID: uint32(os.Getuid()), GID: uint32(os.Getgid())})
	if err != nil || cred != want {
		t.Errorf("want %v, got %v, %v", want, cred, err)
	}
	fd, err := fdpass.PeerPIDFD(conn)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Log("no SO_PEERPIDFD here, which came with Linux 6.5:", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer fdtest.Close(t, fd)
	if got := fdtest.PIDOf(t, fd); got != pid || !fdtest.CloseOnExec(t, fd) {
		t.Errorf("the pidfd is of %d, and the process %d", got, pid)
	}
}
