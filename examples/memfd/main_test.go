//go:build linux

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestMain(m *testing.M) {
	fdtest.Main(m, map[string]func([]string) error{
		"memfd": func(args []string) error { return run(args, os.Stdout) },
	})
}

// server returns a second process, which serves on the socket that it returns.
func server(t *testing.T) (socket string) {
	t.Helper()
	socket = filepath.Join(fdtest.SocketDir(t), "socket")
	cmd := fdtest.Command(t, "memfd", "serve", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return socket
}

// dial connects as soon as the server listens.
func dial(t *testing.T, socket string) *net.UnixConn {
	t.Helper()
	addr := &net.UnixAddr{Name: socket, Net: "unix"}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		conn, err := net.DialUnix("unix", nil, addr)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestDoTwoProcessesShareTheMemory(t *testing.T) {
	fdtest.NoLeak(t)
	socket := server(t)
	dial(t, socket).Close()

	client := fdtest.Command(t, "memfd", "upper", socket, "hello, other process")
	out, err := client.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != "HELLO, OTHER PROCESS" {
		t.Errorf("got %q", got)
	}
}

func TestIsMemoryRefusedThatMayShrink(t *testing.T) {
	fdtest.NoLeak(t)
	socket := server(t)
	for name, f := range map[string]*os.File{
		"a file":          fdtest.Files(t, 1)[0],
		"an unsealed one": unsealed(t),
	} {
		conn := dial(t, socket)
		conn.SetDeadline(time.Now().Add(time.Minute))
		if err := fdpass.Send(conn, f); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%s was mapped: answer of %d bytes, %v", name, n, err)
		}
	}
	// And it serves as before.
	if text, err := upper(dial(t, socket), "still there"); text != "STILL THERE" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestIsTheSizeSealed(t *testing.T) {
	fdtest.NoLeak(t)
	f := unsealed(t)
	if checkSealed(f) == nil {
		t.Error("found sealed before it was")
	}
	if err := sealSize(f); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 99, 101} {
		if err := f.Truncate(size); err == nil {
			t.Errorf("the size changed to %d", size)
		}
	}
	if _, err := fcntl(f, fAddSeals, fSealShrink); err == nil {
		t.Error("a seal was added after the last one")
	}
	if err := checkSealed(f); err != nil {
		t.Error(err)
	}
}

// unsealed returns a memfd without seals.
func unsealed(t *testing.T) *os.File {
	t.Helper()
	f, err := create(100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
