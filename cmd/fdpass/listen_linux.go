package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// listener is a socket that fdpass made. It is removed when it is closed, and
// by a signal that ends the process.
type listener struct {
	*net.UnixListener
	signals chan os.Signal

	mu     sync.Mutex
	path   string
	closed bool
	made   fs.FileInfo // the socket at path, or nil when there is none of ours
}

// listen makes the socket and listens on it.
func listen(name string) (*listener, error) {
	l := &listener{path: name, signals: make(chan os.Signal, 1)}
	l.watch()
	if err := l.bind(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *listener) bind() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	l.UnixListener, err = bind(l.path)
	if errors.Is(err, syscall.EADDRINUSE) && !strings.HasPrefix(l.path, "@") {
		l.UnixListener, err = replaceStale(l.path)
	}
	if err != nil || strings.HasPrefix(l.path, "@") {
		return err
	}
	l.SetUnlinkOnClose(false) // it would remove whatever has the name by then
	l.made, err = os.Lstat(l.path)
	return err
}

// bind listens on a socket that nobody else could open at any moment: bind(2)
// gives the new file the mode of the socket itself, less the umask.
func bind(name string) (*net.UnixListener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) })
		return errors.Join(err, os.NewSyscallError("fchmod", failed))
	}}
	l, err := lc.Listen(context.Background(), "unix", name)
	if err != nil {
		return nil, err
	}
	return l.(*net.UnixListener), nil
}

// replaceStale listens where a socket stands that nobody listens on any more.
// Of several that try this at once one gets it: they lock the directory.
func replaceStale(path string) (*net.UnixListener, error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close() // unlocks
	if err := lock(dir, time.Second); err != nil {
		return nil, err
	}
	if err := stale(path); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return bind(path)
}

func lock(dir *os.File, patience time.Duration) error {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := control(dir, func(fd int) error {
			return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
		})
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return &os.PathError{Op: "flock", Path: dir.Name(), Err: err}
		}
	}
}

// stale is nil if path is a socket that nobody listens on. It asks twice:
// between bind and listen a socket refuses connections, too.
func stale(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s: is there already and is no socket", path)
	}
	for range 2 {
		conn, err := dialAnyType(path)
		if err == nil {
			conn.Close()
		}
		if err == nil || errors.Is(err, syscall.EAGAIN) {
			return fmt.Errorf("%s: somebody listens there", path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// watch removes the socket when a signal ends the process, which then dies of
// that signal. SIGPIPE is caught so that writing to a closed pipe is an error,
// after which the socket is removed as after any other.
func (l *listener) watch() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup's choice stands
			signal.Notify(l.signals, s)
		}
	}
	signal.Notify(pipeSignals, syscall.SIGPIPE)
	go func() {
		if s, ok := <-l.signals; ok {
			l.mu.Lock() // for good: nothing is to be made any more
			l.remove()
			die(s.(syscall.Signal))
		}
	}()
}

var pipeSignals = make(chan os.Signal, 1) // nobody reads it

// remove removes the socket if it is still the one that was made here.
func (l *listener) remove() {
	if l.made == nil {
		return
	}
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.made) {
		os.Remove(l.path)
	}
	l.made = nil
}

// Close removes the socket and stops listening. It may be called twice.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.remove()
	if l.UnixListener != nil {
		l.UnixListener.Close()
	}
	signal.Stop(l.signals)
	signal.Stop(pipeSignals)
	close(l.signals)
	return nil
}

// die ends the process as if the signal had not been caught, so that a shell
// sees what happened.
func die(s syscall.Signal) {
	signal.Reset(s)
	syscall.Kill(os.Getpid(), s)
	time.Sleep(time.Second) // process 1 of a container does not die of it
	os.Exit(128 + int(s))
}
