package fdtest

import (
	"path/filepath"
	"syscall"
	"testing"
)

// Listen returns a listening socket, and what connects to it.
func Listen(t testing.TB, typ int) (fd int, connect func() int) {
	t.Helper()
	fd = Socket(t, syscall.AF_UNIX, typ)
	err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: filepath.Join(SocketDir(t), "listener")})
	if err != nil {
		t.Fatal("bind:", err)
	}
	if err := syscall.Listen(fd, 4); err != nil {
		t.Fatal("listen:", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal("getsockname:", err)
	}
	return fd, func() int {
		c := Socket(t, syscall.AF_UNIX, typ)
		if err := syscall.Connect(c, name); err != nil {
			t.Fatal("connect:", err)
		}
		return c
	}
}

// Accept takes a connection of a listening socket.
func Accept(t testing.TB, listener int) int {
	t.Helper()
	fd, _, err := syscall.Accept4(listener, syscall.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal("accept:", err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

// Socket returns a new socket, closed at the test's end.
func Socket(t testing.TB, domain, typ int) int {
	t.Helper()
	fd, err := syscall.Socket(domain, typ|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal("socket:", err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}
