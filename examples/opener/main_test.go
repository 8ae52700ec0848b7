//go:build linux && go1.24

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

func TestMain(m *testing.M) {
	fdtest.Main(m, map[string]func([]string) error{
		"opener": func(args []string) error { return run(args, os.Stdout) },
		// This worker tries to open the file itself.
		"alone": func(args []string) error {
			uid, _ := strconv.Atoi(args[0])
			if err := become(uid); err != nil {
				return err
			}
			_, err := os.Open(args[1])
			if errors.Is(err, fs.ErrPermission) {
				os.Stdout.WriteString("refused")
				return nil
			}
			return err
		},
	})
}

// workerUID returns the user that the worker becomes: nobody, if this process has
// privileges to give up.
func workerUID() string {
	if os.Getuid() == 0 {
		return "65534"
	}
	return strconv.Itoa(os.Getuid())
}

// publicDir has a file that only root can read, and some that nobody may have.
func publicDir(t *testing.T) (dir string) {
	t.Helper()
	outside := fdtest.SocketDir(t)
	// The worker has to be able to connect to the socket in it.
	if err := os.Chmod(outside, 0o711); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(outside, "public")
	for _, err := range []error{
		os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600),
		os.Mkdir(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "page"), []byte("a page\n"), 0o600),
		os.Symlink("../secret", filepath.Join(dir, "link")),
		os.Symlink("page", filepath.Join(dir, "alias")),
		syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serve starts a helper for one user and waits until it listens.
func serve(t *testing.T, dir, uid string) (socket string) {
	t.Helper()
	socket = filepath.Join(filepath.Dir(dir), "socket")
	cmd := fdtest.Command(t, "opener", "serve", socket, dir, uid)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		info, err := os.Stat(socket)
		if err == nil && info.Mode().Perm() == 0o666 {
			return socket
		}
		if time.Now().After(end) {
			t.Fatal("the helper does not listen")
		}
	}
}

// worker runs a worker and returns what it wrote.
func worker(t *testing.T, role string, args ...string) (out, errs string, err error) {
	t.Helper()
	cmd := fdtest.Command(t, role, args...)
	var text bytes.Buffer
	cmd.Stderr = &text
	b, err := cmd.Output()
	return string(b), text.String(), err
}

func TestDoesTheWorkerReadWhatItCannotOpen(t *testing.T) {
	fdtest.NoLeak(t)
	dir, uid := publicDir(t), workerUID()
	socket := serve(t, dir, uid)
	if os.Getuid() == 0 {
		out, errs, err := worker(t, "alone", uid, filepath.Join(dir, "page"))
		if err != nil || out != "refused" {
			t.Fatalf("the worker has kept privileges: %q, %s %v", out, errs, err)
		}
	} else {
		t.Log("not root: the worker has the helper's own rights; run as root to see it give them up")
	}
	for _, name := range []string{"page", "alias"} {
		out, errs, err := worker(t, "opener", "read", socket, uid, name)
		if out != "a page\n" || err != nil {
			t.Errorf("%s: got %q, %s %v", name, out, errs, err)
		}
	}
}

func TestWhatDoesThePolicyRefuse(t *testing.T) {
	fdtest.NoLeak(t)
	dir, uid := publicDir(t), workerUID()
	socket := serve(t, dir, uid)
	for _, name := range []string{
		"missing", "fifo", ".", "link", "../secret", "../public/../secret",
		filepath.Join(dir, "page"), "page/",
		"", // an empty message, which is the end of the connection
	} {
		out, errs, err := worker(t, "opener", "read", socket, uid, name)
		if out != "" || err == nil || !strings.Contains(errs, "refused: ") {
			t.Errorf("%q: got %q, %s %v", name, out, errs, err)
		}
	}
}

func TestIsAnotherUserServed(t *testing.T) {
	fdtest.NoLeak(t)
	dir := publicDir(t)
	socket := serve(t, dir, "65533")
	out, errs, err := worker(t, "opener", "read", socket, workerUID(), "page")
	if out != "" || err == nil || !strings.Contains(errs, "refused: ") {
		t.Errorf("got %q, %s %v", out, errs, err)
	}
}
