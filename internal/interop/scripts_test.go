//go:build linux

package interop

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// language is an interpreter with functions that pass descriptors.
type language struct {
	interpreter []string // and the options that stand before a script
	pkg         string
	counts      []int // of descriptors to pass
	one         bool  // each in a message of its own

	// send is a script that opens the files named by its arguments and sends
	// those descriptors and its standard output over descriptor 3.
	send string

	// recv is a script that receives as many descriptors as its argument says
	// over descriptor 3, the last of which is a pipe. Into that it writes each
	// other one's inode, a space and what it reads from it.
	recv string

	payload func(n int) string // of a message with n descriptors
}

func zero(int) string { return "\x00" }

// test passes descriptors in both directions.
func (l *language) test(t *testing.T) {
	l.interpreter[0] = program(t, l.interpreter[0], l.pkg)
	for _, n := range l.counts {
		t.Run(fmt.Sprint("sends ", n), func(t *testing.T) {
			clean(t)
			l.testSend(t, n)
		})
		t.Run(fmt.Sprint("receives ", n), func(t *testing.T) {
			clean(t)
			l.testRecv(t, n)
		})
	}
}

// start runs a script and returns the other end of its descriptor 3.
func (l *language) start(t *testing.T, stdout *os.File, script string,
	args ...string) (*peer, *net.UnixConn) {
	t.Helper()
	ours, theirs := pair(t, "unix")
	words := append(append([]string{}, l.interpreter...), script)
	cmd := exec.Command(words[0], append(words[1:], args...)...)
	cmd.ExtraFiles = []*os.File{theirs}
	if stdout != nil {
		cmd.Stdout = stdout
	}
	return start(t, cmd), ours
}

// messages returns how n descriptors are shared out among messages.
func (l *language) messages(n int) (sizes []int) {
	if !l.one {
		return []int{n}
	}
	for range n {
		sizes = append(sizes, 1)
	}
	return sizes
}

func (l *language) testSend(t *testing.T, n int) {
	paths := writeFiles(t, n-1)
	r, w := pipe(t)
	stdout := id(t, w)
	p, conn := l.start(t, w, l.send, paths...)
	var files []*os.File
	defer func() { closeAll(files) }()
	for _, size := range l.messages(n) {
		payload := make([]byte, 16)
		n, more, err := fdpass.RecvMsg(conn, payload, size)
		files = append(files, more...)
		if err != nil || len(more) != size || string(payload[:n]) != l.payload(size) {
			t.Fatalf("want %q and %d descriptors, got %q and %d, %v",
				l.payload(size), size, payload[:n], len(more), err)
		}
	}
	p.wait(t)
	for i, path := range paths {
		sameFile(t, files[i], path)
	}
	last := files[n-1]
	if got := id(t, last); got != stdout {
		t.Errorf("the last is %v, not the pipe %v", got, stdout)
	}
	echo(t, last, r, "through the pipe")
}

func (l *language) testRecv(t *testing.T, n int) {
	r, w := pipe(t)
	files := append(fdtest.Files(t, n-1), w)
	var want strings.Builder
	for i, f := range files[:n-1] {
		fmt.Fprintf(&want, "%d %s", id(t, f).Ino, fdtest.Contents(i))
	}
	p, conn := l.start(t, nil, l.recv, fmt.Sprint(n))
	i := 0
	for _, size := range l.messages(n) {
		if _, err := fdpass.SendMsg(conn, []byte(l.payload(size)), files[i:i+size]...); err != nil {
			t.Fatal(err)
		}
		i += size
	}
	w.Close() // what the script has received is the only one now
	got, err := io.ReadAll(r)
	if err != nil || string(got) != want.String() {
		t.Errorf("the script saw\n%s and not\n%s(%v)", got, want.String(), err)
	}
	p.wait(t)
}

// writeFiles writes n files as fdtest.Files does and returns their paths.
func writeFiles(t *testing.T, n int) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(fdtest.Contents(i)), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// sameFile checks that f is open on the file at path and can be read.
func sameFile(t *testing.T, f *os.File, path string) {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	if got, want := id(t, f), (fdtest.ID{Dev: uint64(st.Dev), Ino: st.Ino}); got != want {
		t.Errorf("got %v in the place of %s, %v", got, path, want)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != string(want) {
		t.Errorf("%s holds %q, but was read as %q, %v", path, want, got, err)
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
