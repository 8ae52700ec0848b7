//go:build linux && go1.24

package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"example.com/fdpass/internal/fdtest"
)

func TestMain(m *testing.M) {
	fdtest.Main(m, map[string]func([]string) error{
		"blocks": func(args []string) error { return run(args, os.Stdin, os.Stdout) },
	})
}

// stored returns a directory with a block "b1" and what the block holds: some chunks and
// a part of one.
func stored(t *testing.T) (dir string, data []byte) {
	t.Helper()
	dir = t.TempDir()
	data = make([]byte, 5*chunkLen+100)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	if err := store(dir, "b1", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return dir, data
}

// server returns a second process that serves a directory.
func server(t *testing.T, dir string) (cmd *exec.Cmd, socket string) {
	t.Helper()
	socket = filepath.Join(fdtest.SocketDir(t), "socket")
	cmd = fdtest.Command(t, "blocks", "serve", socket, dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, socket
}

// dial connects as soon as the server listens.
func dial(t *testing.T, socket string) *net.UnixConn {
	t.Helper()
	addr := &net.UnixAddr{Name: socket, Net: "unixpacket"}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		conn, err := net.DialUnix("unixpacket", nil, addr)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// opened returns the block "b1", whose files a server has passed.
func opened(t *testing.T, dir string) *block {
	t.Helper()
	_, socket := server(t, dir)
	b, err := open(dial(t, socket), "b1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestDoesTheClientReadByItself(t *testing.T) {
	fdtest.NoLeak(t)
	dir, data := stored(t)
	cmd, socket := server(t, dir)
	b, err := open(dial(t, socket), "b1")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()

	// Neither the server nor the files' names are needed any more.
	cmd.Process.Kill()
	cmd.Wait()
	os.Remove(filepath.Join(dir, "b1.data"))
	os.Remove(filepath.Join(dir, "b1.meta"))

	if err := iotest.TestReader(io.NewSectionReader(b, 0, b.size), data); err != nil {
		t.Error(err)
	}
	for off := range len(data) + 2 { // every offset, across chunks
		p := make([]byte, 700)
		n, err := b.ReadAt(p, int64(off))
		want := data[min(off, len(data)):min(off+700, len(data))]
		if !bytes.Equal(p[:n], want) || (err == io.EOF) != (n < 700) {
			t.Fatalf("at %d: %d bytes, %v", off, n, err)
		}
	}
}

func TestIsADamagedChunkFound(t *testing.T) {
	fdtest.NoLeak(t)
	dir, data := stored(t)
	b := opened(t, dir)
	f, err := os.OpenFile(filepath.Join(dir, "b1.data"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(2*chunkLen + 7)
	if _, err := f.WriteAt([]byte{data[at] ^ 0x10}, at); err != nil {
		t.Fatal(err)
	}

	// The chunks before and after the damaged one can be read.
	p := make([]byte, len(data))
	n, err := b.ReadAt(p, 0)
	if err == nil || !strings.Contains(err.Error(), "chunk 2, bytes 1024 to 1536: wrong checksum") {
		t.Errorf("got %v", err)
	}
	if n != 2*chunkLen || !bytes.Equal(p[:n], data[:n]) {
		t.Errorf("got %d bytes before the damage", n)
	}
	n, err = b.ReadAt(p[3*chunkLen:], 3*chunkLen)
	if err != nil || !bytes.Equal(p[3*chunkLen:], data[3*chunkLen:]) {
		t.Errorf("after the damage: %d bytes, %v", n, err)
	}
}

func TestIsABlockFoundThatHasBecomeShorter(t *testing.T) {
	fdtest.NoLeak(t)
	for _, name := range []string{"b1.data", "b1.meta"} {
		dir, data := stored(t)
		b := opened(t, dir)
		if err := os.Truncate(filepath.Join(dir, name), 10); err != nil {
			t.Fatal(err)
		}
		n, err := b.ReadAt(make([]byte, len(data)), 0)
		if n != 0 || err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

func TestWhatIsNoBlock(t *testing.T) {
	fdtest.NoLeak(t)
	dir, _ := stored(t)
	os.WriteFile(filepath.Join(dir, "nometa.data"), nil, 0o600)
	os.WriteFile(filepath.Join(dir, "old.data"), nil, 0o600)
	os.WriteFile(filepath.Join(dir, "old.meta"), make([]byte, 100), 0o600)
	os.WriteFile(filepath.Join(filepath.Dir(dir), "out.data"), nil, 0o600)
	_, socket := server(t, dir)
	conn := dial(t, socket)
	for _, name := range []string{"none", "nometa", "old", "../out", "/etc/passwd"} {
		if b, err := open(conn, name); err == nil {
			b.Close()
			t.Errorf("opened %q", name)
		}
	}
	b, err := open(conn, "b1") // and it serves on
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
}

func TestDoesTheCommandReadAPart(t *testing.T) {
	fdtest.NoLeak(t)
	dir, data := stored(t)
	_, socket := server(t, dir)
	dial(t, socket).Close()
	out, err := fdtest.Command(t, "blocks", "read", socket, "b1", "500", "50").Output()
	if err != nil || !bytes.Equal(out, data[500:550]) {
		t.Errorf("got %x, %v", out, err)
	}
}
