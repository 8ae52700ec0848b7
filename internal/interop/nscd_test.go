//go:build linux

package interop

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// Request types of glibc's nscd/nscd-client.h.
const (
	nscdGetPwByName = 0
	nscdGetFDPw     = 11
)

// The server opens and the client reads: nscd hands over the memory in which
// it keeps what it knows of users, so that they need not ask again.
func TestDoesNscdHandOverItsCache(t *testing.T) {
	nscd := program(t, "nscd", "nscd")
	clean(t)
	p, socket := startNscd(t, nscd, "enable-cache passwd yes\nshared passwd yes\npersistent passwd no\n")

	// What it has been asked for is in the cache.
	conn := p.askNscd(t, socket, nscdGetPwByName, "somebody")
	answer := make([]byte, 36)
	if _, err := io.ReadFull(conn, answer); err != nil || native(answer, 4) != 1 {
		t.Fatalf("nscd knows nobody: % x, %v", answer, err)
	}

	conn = p.askNscd(t, socket, nscdGetFDPw, "passwd")
	payload := make([]byte, 64)
	n, files, err := fdpass.RecvMsg(conn, payload, 1)
	defer closeAll(files)
	key := []byte("passwd\x00")
	if err != nil || len(files) != 1 || n != len(key)+8 || !bytes.HasPrefix(payload, key) {
		t.Fatalf("got %q, %v, %v", payload[:n], files, err)
	}
	has(t, p, files)
	size := int(binary.NativeEndian.Uint64(payload[len(key):]))
	cache, err := syscall.Mmap(number(t, files[0]), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(cache)
	p.until(t, func() error { // it answers first and remembers then
		if uid, ok := lookUp(cache, "somebody"); !ok || uid != 4242 {
			return fmt.Errorf("in the cache somebody is %d, %v", uid, ok)
		}
		return nil
	})
	if _, ok := lookUp(cache, "nobody"); ok {
		t.Error("the cache has somebody for whom nobody has asked")
	}
	if err := syscall.Ftruncate(number(t, files[0]), 0); err == nil {
		t.Error("the descriptor is not read-only")
	}
}

func TestWhatDoesNscdSayOfADisabledCache(t *testing.T) {
	nscd := program(t, "nscd", "nscd")
	clean(t)
	p, socket := startNscd(t, nscd, "enable-cache passwd no\n")
	conn := p.askNscd(t, socket, nscdGetFDPw, "passwd")
	if files, err := fdpass.Recv(conn, 1); !errors.Is(err, io.EOF) || files != nil {
		t.Errorf("want io.EOF, got %v, %v", files, err)
	}
}

// startNscd starts nscd below a directory of its own, since the path of its
// socket is compiled in, and with users of its own.
func startNscd(t *testing.T, nscd, config string) (p *peer, socket string) {
	t.Helper()
	root := fdtest.SocketDir(t)
	for _, dir := range []string{"run/nscd", "var/run/nscd", "var/cache/nscd", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"etc/nscd.conf":     config,
		"etc/nsswitch.conf": "passwd: files\n",
		"etc/passwd":        "somebody:x:4242:4243::/:/bin/false\n",
	} {
		put(t, filepath.Join(root, name), []byte(text), 0o644)
	}
	for _, name := range append(libraries(t, nscd), nscd) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(root, name), data, 0o755)
	}
	cmd := exec.Command(nscd, "--foreground")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() != 0 { // who may call chroot only in a user namespace
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return start(t, cmd), filepath.Join(root, "var/run/nscd/socket")
}

// libraries returns the shared libraries that a program is linked with.
func libraries(t *testing.T, program string) (paths []string) {
	t.Helper()
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatalf("ldd: %v", err)
	}
	for _, m := range regexp.MustCompile(`(?m)(/\S+) \(0x`).FindAllSubmatch(out, -1) {
		paths = append(paths, string(m[1]))
	}
	return paths
}

// put writes a file and makes the directories that lead to it.
func put(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, data, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// askNscd sends a request, of which every connection takes one.
func (p *peer) askNscd(t *testing.T, socket string, typ uint32, key string) *net.UnixConn {
	t.Helper()
	conn := p.dial(t, socket)
	const version = 2
	var b []byte
	for _, v := range []uint32{version, typ, uint32(len(key) + 1)} {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	if _, err := conn.Write(append(b, key+"\x00"...)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// native returns the 32-bit number at an offset.
func native(b []byte, at int) int { return int(int32(binary.NativeEndian.Uint32(b[at:]))) }

// lookUp finds a name in nscd's cache, as clients do: struct database_pers_head
// followed by a hash table of offsets and by the data, where
// struct hashentry has lists of what is in the table. Offset -1 ends a list.
func lookUp(cache []byte, name string) (uid int, ok bool) {
	const (
		headerSize = 4  // database_pers_head.header_size
		module     = 40 // database_pers_head.module: how long the table is
		keyLen     = 4  // hashentry.len
		key        = 8  // hashentry.key
		next       = 16 // hashentry.next
		packet     = 20 // hashentry.packet: a datahead with the answer
		dataHead   = 24 // sizeof (struct datahead)
		pwUID      = 16 // pw_response_header.pw_uid
	)
	table := cache[native(cache, headerSize):]
	n := native(cache, module)
	data := table[(4*n+15)&^15:]
	want := []byte(name + "\x00")
	for i := range n {
		for at := native(table, 4*i); at >= 0; at = native(data, at+next) {
			k := native(data, at+key)
			if data[at] == nscdGetPwByName && bytes.Equal(data[k:k+native(data, at+keyLen)], want) {
				return native(data, native(data, at+packet)+dataHead+pwUID), true
			}
		}
	}
	return 0, false
}
