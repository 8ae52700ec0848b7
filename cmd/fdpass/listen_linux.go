package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"example.com/fdpass"
)

// listener is a socket that fdpass made. It is removed when it is closed, and
// by a signal that ends the process.
type listener struct {
	*net.UnixListener               // nil if there are datagrams
	datagrams         *net.UnixConn // or nil
	signals           chan os.Signal

	mu     sync.Mutex
	path   string
	closed bool
	made   fs.FileInfo // the socket at path, or nil when there is none of ours
}

// listen makes the socket, of one of package net's types, and listens on it. Before a
// socket with connections has its name, prepare is called with it: makePrivate, or
// withCredentials.
func listen(name, network string, a access, prepare func(fd int) error) (*listener, error) {
	l := &listener{path: name, signals: make(chan os.Signal, 1)}
	l.watch()
	if err := l.bind(network, a, prepare); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *listener) bind(network string, a access, prepare func(fd int) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.open(network, prepare)
	if errors.Is(err, syscall.EADDRINUSE) && !strings.HasPrefix(l.path, "@") {
		if err = removeStale(l.path); err == nil {
			err = l.open(network, prepare)
		}
	}
	if err != nil || strings.HasPrefix(l.path, "@") {
		return err
	}
	if l.made, err = os.Lstat(l.path); err != nil || a == private {
		return err
	}
	return a.give(l.path, l.made)
}

// open binds the socket.
func (l *listener) open(network string, prepare func(fd int) error) (err error) {
	if network == "unixgram" {
		l.datagrams, err = bindDatagrams(l.path)
		return err
	}
	l.UnixListener, err = bind(l.path, network, prepare)
	if err == nil {
		l.SetUnlinkOnClose(false) // it would remove whatever has the name by then
	}
	return err
}

// before makes a configuration that calls f with each socket before it is bound.
func before(f func(fd int) error) *net.ListenConfig {
	return &net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = f(int(fd)) })
		return errors.Join(err, failed)
	}}
}

// makePrivate makes a socket one that nobody else can open at any moment: bind(2)
// gives the new file the mode of the socket itself, less the umask.
func makePrivate(fd int) error { return os.NewSyscallError("fchmod", syscall.Fchmod(fd, 0o600)) }

// withCredentials makes a socket private, and one whose messages all come with the
// credentials of their senders. As soon as the socket has a name, somebody may send to
// it, and not even the first message is without them.
func withCredentials(fd int) error {
	return errors.Join(makePrivate(fd), fdpass.Options{Credentials: true}.Apply(fdpass.Socket(fd)))
}

func bind(name, network string, prepare func(fd int) error) (*net.UnixListener, error) {
	l, err := before(prepare).Listen(context.Background(), network, name)
	if err != nil {
		return nil, err
	}
	return l.(*net.UnixListener), nil
}

// bindDatagrams is bind for datagrams.
func bindDatagrams(name string) (*net.UnixConn, error) {
	c, err := before(withCredentials).ListenPacket(context.Background(), "unixgram", name)
	if err != nil {
		return nil, err
	}
	return c.(*net.UnixConn), nil
}

// give sets the group and the mode of the socket that was made at path, and of
// nothing else that may have the name by now.
func (a access) give(path string, made fs.FileInfo) error {
	fd, err := syscall.Open(path, oPath|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	here := fmt.Sprintf("/proc/self/fd/%d", fd)
	if now, err := os.Stat(here); err != nil || !os.SameFile(now, made) {
		return errors.Join(fmt.Errorf("%s: somebody has replaced the socket", path), err)
	}
	if a.gid >= 0 {
		if err := os.Chown(here, -1, a.gid); err != nil {
			return &os.PathError{Op: "chown", Path: path, Err: reason(err)}
		}
	}
	if err := os.Chmod(here, fs.FileMode(a.perm)); err != nil {
		return &os.PathError{Op: "chmod", Path: path, Err: reason(err)}
	}
	return nil
}

// watch removes the socket when a signal ends the process, which then dies of
// that signal. SIGPIPE is caught so that writing to a closed pipe is an error,
// after which the socket is removed as after any other.
func (l *listener) watch() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
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
	if l.datagrams != nil {
		l.datagrams.Close()
	}
	signal.Stop(l.signals)
	signal.Stop(pipeSignals)
	close(l.signals)
	return nil
}

// die ends the process as if the signal had not been caught, so that a shell
// sees what happened. At SIGQUIT Go's runtime would write what all goroutines do.
func die(s syscall.Signal) {
	if s != syscall.SIGQUIT {
		signal.Reset(s)
		// Sent to this thread, it takes effect before the call returns. But process 1 of
		// a container does not die of it.
		runtime.LockOSThread()
		syscall.Tgkill(os.Getpid(), syscall.Gettid(), s)
	}
	os.Exit(128 + int(s))
}
