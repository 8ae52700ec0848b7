//go:build linux

package interop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// haproxyBatch is how many descriptors one of haproxy's messages has at most,
// MAX_SEND_FD. After that many it waits to hear how many have come.
const haproxyBatch = 252

// firstPort is the first of the ports that haproxy listens at, below those that
// the kernel gives out. The addresses are random ones of 127.0.0.0/8.
const firstPort = 20000

func randomLoopback() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
}

func TestDoesHaproxyHandOverItsListeners(t *testing.T) {
	haproxy := program(t, "haproxy", "haproxy")
	for _, n := range []int{3, 300, 600} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			clean(t)
			host, control := randomLoopback(), filepath.Join(fdtest.SocketDir(t), "stats")
			p := startHaproxy(t, haproxy, host, n, control, "old")
			files := getsocks(t, newDecoder(t, p.dial(t, control), haproxyBatch))
			// The control socket comes along, under the name that it was bound
			// to before haproxy renamed it.
			was := fmt.Sprintf("%s.%d.tmp", control, p.Process.Pid)
			checkListeners(t, files, append(addresses(host, n), was))
			has(t, p, files)
		})
	}
}

func TestDoesHaproxyTakeOverOurListeners(t *testing.T) {
	haproxy := program(t, "haproxy", "haproxy")
	for _, n := range []int{3, 300, 600} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			clean(t)
			host := randomLoopback()
			listeners := listenAll(t, host, n)
			old := listenUnix(t)
			given := make(chan error, 1)
			go func() { given <- giveSocks(old, listeners) }()
			p := startHaproxy(t, haproxy, host, n, filepath.Join(fdtest.SocketDir(t), "stats"), "new",
				"-x", old.Addr().String())
			if err := <-given; err != nil {
				t.Fatal(err)
			}
			has(t, p, listeners)
			closeAll(listeners)
			for _, i := range []int{0, n / 2, n - 1} {
				checkHTTP(t, addresses(host, n)[i], "new")
			}
		})
	}
}

// startHaproxy starts haproxy with n listeners, which answer with a word.
func startHaproxy(t *testing.T, haproxy, host string, n int, control, word string, args ...string) *peer {
	t.Helper()
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := fmt.Sprintf(`global
	stats socket %s mode 600 level admin expose-fd listeners
	maxconn 20
	nbthread 1
defaults
	mode http
	timeout client 30s
	timeout server 30s
	timeout connect 30s
frontend f
	bind %s:%d-%d
	http-request return status 200 content-type text/plain string %s
`, control, host, firstPort, firstPort+n-1, word)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, exec.Command(haproxy, append([]string{"-db", "-f", config}, args...)...))
}

// addresses returns where n listeners are.
func addresses(host string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s:%d", host, firstPort+i))
	}
	return all
}

// getsocks asks haproxy for its listeners. It sends their number, and a message
// for up to 252 of them with a record for each, and waits for the number so far
// before the next. The number may come together with the first message.
func getsocks(t *testing.T, d *decoder) (files []*os.File) {
	t.Helper()
	d.send(t, []byte("_getsocks\n"))
	total := int(binary.NativeEndian.Uint32(d.bytes(t, 4)))
	for len(files) < total {
		batch := min(haproxyBatch, total-len(files))
		for range batch {
			d.bytes(t, int(d.bytes(t, 1)[0])) // network namespace
			d.bytes(t, int(d.bytes(t, 1)[0])) // interface
			d.bytes(t, 4)                     // options
		}
		more := d.files(t)
		if len(more) != batch {
			t.Fatalf("%d records came with %d descriptors", batch, len(more))
		}
		files = append(files, more...)
		// Which versions wait for it after the last message as well is theirs
		// to know: the others have hung up.
		_, err := d.Write(binary.NativeEndian.AppendUint32(nil, uint32(len(files))))
		if err != nil && (len(files) < total || !errors.Is(err, syscall.EPIPE)) {
			t.Fatal(err)
		}
	}
	return files
}

// giveSocks plays the old haproxy to the new one that connects to ln.
func giveSocks(ln *net.UnixListener, listeners []*os.File) error {
	conn, err := ln.AcceptUnix()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	request := make([]byte, len("_getsocks\n"))
	if _, err := io.ReadFull(conn, request); err != nil || string(request) != "_getsocks\n" {
		return fmt.Errorf("it asks %q: %w", request, err)
	}
	if _, err := conn.Write(binary.NativeEndian.AppendUint32(nil, uint32(len(listeners)))); err != nil {
		return err
	}
	for batch := range slices.Chunk(listeners, haproxyBatch) {
		const record = 1 + 1 + 4 // no namespace, no interface, no options
		if _, err = fdpass.SendMsg(conn, make([]byte, record*len(batch)), batch...); err != nil {
			return err
		}
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			return fmt.Errorf("no acknowledgement: %w", err)
		}
	}
	return nil
}

// listenAll listens at n ports.
func listenAll(t *testing.T, host string, n int) (listeners []*os.File) {
	t.Helper()
	t.Cleanup(func() { closeAll(listeners) })
	for _, address := range addresses(host, n) {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ln.(*net.TCPListener).File()
		ln.Close() // f is a duplicate
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, f)
	}
	return listeners
}

// checkListeners checks that the files are listeners at the addresses, in any
// order.
func checkListeners(t *testing.T, files []*os.File, want []string) {
	t.Helper()
	var got []string
	for _, f := range files {
		ln, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ln.Addr().String())
		if unix, ok := ln.(*net.UnixListener); ok {
			unix.SetUnlinkOnClose(false)
		}
		ln.Close() // a duplicate
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %d listeners, %q, and not %d, %q", len(got), got, len(want), want)
	}
}

// checkHTTP checks that the web server at an address answers with a word.
func checkHTTP(t *testing.T, address, word string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	bounded(t, conn)
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasSuffix(string(answer), "\r\n\r\n"+word) {
		t.Errorf("%s answers %q, %v", address, answer, err)
	}
}
