//go:build linux

package interop

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// with returns a command, path and arguments, with files as its descriptors from 3
// on.
func with(files []*os.File, words ...string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.ExtraFiles = files
	return cmd
}

// The command on both sides, and libsystemd to read what it has set for a
// program that is started by its socket.
func TestDoesAProgramForSocketActivationRunOnReceivedDescriptors(t *testing.T) {
	tool, python := command(t), needLibsystemd(t)
	clean(t)
	const script = `
import ctypes, os, socket
lib = ctypes.CDLL("libsystemd.so.0")
assert lib.sd_listen_fds(0) == 3
names = ctypes.POINTER(ctypes.c_char_p)()
assert lib.sd_listen_fds_with_names(1, ctypes.byref(names)) == 3
assert lib.sd_is_socket_inet(3, socket.AF_INET, socket.SOCK_STREAM, 1, 0) == 1
connection, _ = socket.socket(fileno=3).accept()
connection.sendall(b" ".join(names[:3]) + b" " + os.read(4, 100))
os.write(5, b"through the pipe")
`
	ln := listen(t)
	paths := writeFiles(t, 1)
	r, w := pipe(t)
	path := filepath.Join(fdtest.SocketDir(t), "s")
	p := start(t,
		with(nil, tool, "recv", "-n", "3", "-names", "web:file:pipe", path, "--", python, "-c", script))
	f, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	start(t, with([]*os.File{f, w}, tool, "send", "-wait", path, "fd:3", paths[0], "fd:4")).wait(t)
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(bounded(t, conn))
	if want := "web file pipe " + fdtest.Contents(0); err != nil || string(got) != want {
		t.Errorf("got %q, %v, not %q", got, err, want)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "through the pipe" {
		t.Errorf("got %q, %v", got, err)
	}
	p.wait(t)
}

// The other way round: systemd listens, and starts the command to receive.
func TestDoesTheCommandReceiveOnASocketOfSystemds(t *testing.T) {
	tool, activate := command(t), program(t, "systemd-socket-activate", "systemd")
	clean(t)
	paths := writeFiles(t, 3)
	r, w := pipe(t)
	path := filepath.Join(fdtest.SocketDir(t), "s")
	cmd := exec.Command(activate, "--listen="+path, tool, "recv", "-n", "3", "-cat", "fd:3")
	cmd.Stdout = w
	p := start(t, cmd)
	conn := p.dial(t, path)
	for _, name := range paths {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		err = fdpass.Send(conn, f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.ReadAll(r)
	want := fdtest.Contents(0) + fdtest.Contents(1) + fdtest.Contents(2)
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, not %q", got, err, want)
	}
	p.wait(t)
}

// The old haproxy's listeners become those of a new one, which knows them by
// number and nothing of where they came from.
func TestDoesANewHaproxyRunOnTheListenersOfAnOldOne(t *testing.T) {
	tool, haproxy := command(t), program(t, "haproxy", "haproxy")
	clean(t)
	const n = 3
	dir, host := fdtest.SocketDir(t), randomLoopback()
	control := filepath.Join(dir, "stats")
	old := startHaproxy(t, haproxy, host, n, control, "old")
	files := getsocks(t, newDecoder(t, old.dial(t, control), haproxyBatch))
	for _, address := range addresses(host, n) {
		checkHTTP(t, address, "old")
	}
	old.end(t)

	config := filepath.Join(dir, "haproxy.cfg")
	text := "defaults\n mode http\n timeout client 30s\nfrontend f\n"
	for i := range files {
		text += fmt.Sprintf(" bind fd@%d\n", 3+i)
	}
	text += " http-request return status 200 content-type text/plain string new\n"
	put(t, config, []byte(text), 0o600)
	path := filepath.Join(dir, "s")
	p := start(t, with(nil, tool, "recv", "-n", fmt.Sprint(n+1), path, "--", haproxy, "-db", "-f", config))
	conn := p.dial(t, path)
	if err := fdpass.Send(conn, files...); err != nil {
		t.Fatal(err)
	}
	closeAll(files)
	for _, address := range addresses(host, n) {
		checkHTTP(t, address, "new")
	}
}

// netcat's connection becomes descriptor 3 of a program. It has been left
// nonblocking, and receiving it does not change that.
func TestDoesAProgramRunOnTheConnectionOfNetcat(t *testing.T) {
	nc, python := program(t, "nc.openbsd", "netcat-openbsd"), program(t, "python3", "python3")
	tool := command(t)
	const script = `
import socket
connection = socket.socket(fileno=3)
connection.setblocking(True)
while data := connection.recv(100): connection.sendall(data)
`
	clean(t)
	ln := listen(t)
	host, port := hostPort(ln)
	ends := ends(t, "unix")
	p := start(t, with(ends[:1], tool, "recv", "-n", "1", "fd:3", "--", python, "-c", script))
	cmd := exec.Command(nc, "-F", host, port)
	cmd.Stdout = ends[1]
	start(t, cmd).wait(t)
	conn, err := ln.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	bounded(t, conn)
	echo(t, conn, conn, "there and back")
	conn.CloseWrite()
	p.wait(t)
}

// The same with Python's functions, in both directions.
func TestDoesTheCommandExchangeDescriptorsWithPython(t *testing.T) {
	tool, python := command(t), program(t, "python3", "python3")
	const n = 3
	send := []string{python, "-c", `
import socket, sys
files = [open(path) for path in sys.argv[1:]]
socket.send_fds(socket.socket(fileno=3), [b"hello"], [f.fileno() for f in files])
`}
	recv := []string{python, "-c", `
import os, socket
_, fds, _, _ = socket.recv_fds(socket.socket(fileno=3), 100, 253)
for fd in fds: os.write(1, os.read(fd, 100))
`}
	for name, programs := range map[string][2][]string{
		"sends":    {send, {tool, "recv", "-cat", "fd:3"}},
		"receives": {{tool, "send", "fd:3"}, recv},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			paths := writeFiles(t, n)
			r, w := pipe(t)
			ends := ends(t, "unix")
			to := with(ends[1:], programs[1]...)
			to.Stdout = w
			sender := start(t, with(ends[:1], append(programs[0], paths...)...))
			receiver := start(t, to)
			got, err := io.ReadAll(r)
			want := fdtest.Contents(0) + fdtest.Contents(1) + fdtest.Contents(2)
			if err != nil || string(got) != want {
				t.Errorf("got %q, %v, not %q", got, err, want)
			}
			sender.wait(t)
			receiver.wait(t)
		})
	}
}
