//go:build linux

package interop

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestDoesDBusPassDescriptorsOn(t *testing.T) {
	daemon := program(t, "dbus-daemon", "dbus-daemon")
	for _, n := range []int{1, 3, 16} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			clean(t)
			path := filepath.Join(fdtest.SocketDir(t), "bus")
			p := start(t, exec.Command(daemon, "--session", "--nofork", "--nopidfile",
				"--address=unix:path="+path))
			a, b := p.joinBus(t, path), p.joinBus(t, path)
			testBus(t, a, b, n)
			testBus(t, b, a, n)
		})
	}
}

// The bus and its clients do not see that a relay is between them.
func TestDoesDBusPassDescriptorsOnThroughARelay(t *testing.T) {
	daemon := program(t, "dbus-daemon", "dbus-daemon")
	clean(t)
	path := filepath.Join(fdtest.SocketDir(t), "bus")
	p := start(t, exec.Command(daemon, "--session", "--nofork", "--nopidfile", "--address=unix:path="+path))
	front := relayTo(t, p, path, 2)
	a, b := p.joinBus(t, front), p.joinBus(t, front)
	for _, n := range []int{1, 3, 16} {
		testBus(t, a, b, n)
		testBus(t, b, a, n)
	}
}

// relayTo relays so many connections to the socket at path, where p listens. It
// returns the path of the relay's own socket.
func relayTo(t *testing.T, p *peer, path string, connections int) (front string) {
	t.Helper()
	ln := listenUnix(t)
	ended := make(chan error, connections)
	for range connections {
		server := p.dial(t, path)
		go func() {
			client, err := ln.AcceptUnix()
			if err == nil {
				err = fdpass.Relay(fdtest.Context(t), client, server)
			}
			ended <- err
		}()
	}
	t.Cleanup(func() {
		for range connections {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("a relay ended with %v", err)
			}
		}
	})
	return ln.Addr().String()
}

// testBus sends n descriptors from one client to the other.
func testBus(t *testing.T, from, to *busClient, n int) {
	t.Helper()
	files := fdtest.FDs(t, n)
	var handles []byte // the body, an array of indices into the descriptors
	handles = binary.LittleEndian.AppendUint32(handles, uint32(4*n))
	for i := range n {
		handles = binary.LittleEndian.AppendUint32(handles, uint32(i))
	}
	from.call(t, to.name, "Take", "ah", handles, files)
	body, fds := to.await(t, dbusMethodCall)
	defer fdtest.Close(t, fds...)
	if !slices.Equal(body, handles) {
		t.Errorf("the body is % x, not % x", body, handles)
	}
	if len(fds) != n {
		t.Fatalf("sent %d descriptors, got %d", n, len(fds))
	}
	for i, fd := range fds {
		checkFile(t, fd, files[i], i)
	}
}

// Message types and header fields of the D-Bus specification.
const (
	dbusMethodCall   = 1
	dbusMethodReturn = 2

	dbusPath        = 1
	dbusMember      = 3
	dbusDestination = 6
	dbusSignature   = 8
	dbusUnixFDs     = 9
)

// busClient is a client of the message bus.
type busClient struct {
	*decoder
	name   string // the unique name, that the bus gave it
	serial uint32
}

// joinBus connects and introduces itself. Both sides then take descriptors.
func (p *peer) joinBus(t *testing.T, path string) *busClient {
	t.Helper()
	c := &busClient{decoder: newDecoder(t, p.dial(t, path), 64)}
	uid := hex.EncodeToString(fmt.Append(nil, os.Getuid()))
	c.send(t, []byte("\x00AUTH EXTERNAL "+uid+"\r\n"))
	if answer := c.line(t); len(answer) < 3 || answer[:3] != "OK " {
		t.Fatalf("not let in: %s", answer)
	}
	c.send(t, []byte("NEGOTIATE_UNIX_FD\r\n"))
	if answer := c.line(t); answer != "AGREE_UNIX_FD\r" {
		t.Fatalf("no descriptors on this bus: %s", answer)
	}
	c.send(t, []byte("BEGIN\r\n"))
	c.call(t, "org.freedesktop.DBus", "Hello", "", nil, nil)
	body, _ := c.await(t, dbusMethodReturn)
	c.name = string(body[4 : len(body)-1])
	return c
}

// call calls a method of a destination's object "/".
func (c *busClient) call(t *testing.T, to, member, signature string, body []byte, fds []int) {
	t.Helper()
	c.serial++
	m := []byte{'l', dbusMethodCall, 0, 1}
	m = binary.LittleEndian.AppendUint32(m, uint32(len(body)))
	m = binary.LittleEndian.AppendUint32(m, c.serial)
	var f []byte
	f = appendField(f, dbusPath, 'o', "/")
	f = appendField(f, dbusMember, 's', member)
	f = appendField(f, dbusDestination, 's', to)
	if signature != "" {
		f = append(pad(f), dbusSignature, 1, 'g', 0, byte(len(signature)))
		f = append(append(f, signature...), 0)
	}
	if len(fds) > 0 {
		f = append(pad(f), dbusUnixFDs, 1, 'u', 0)
		f = binary.LittleEndian.AppendUint32(f, uint32(len(fds)))
	}
	m = binary.LittleEndian.AppendUint32(m, uint32(len(f)))
	c.send(t, append(pad(append(m, f...)), body...), fds...)
}

// appendField appends a header field with a string.
func appendField(b []byte, code, typ byte, value string) []byte {
	b = append(pad(b), code, 1, typ, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
	return append(append(b, value...), 0)
}

// pad fills up to a multiple of 8 bytes, where every field and the body begin.
func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&7)...) }

// await receives messages until one of a type comes. Those before it, signals
// of the bus, have no descriptors.
func (c *busClient) await(t *testing.T, typ byte) (body []byte, fds []int) {
	t.Helper()
	for {
		head := c.bytes(t, 16)
		n := binary.LittleEndian.Uint32(head[12:])
		c.bytes(t, int(n+7)&^7) // the header fields, padded
		body = c.bytes(t, int(binary.LittleEndian.Uint32(head[4:])))
		fds = c.fds()
		if head[1] == typ {
			return body, fds
		}
		if len(fds) != 0 {
			t.Errorf("a message of type %d brought %d descriptors", head[1], len(fds))
			fdtest.Close(t, fds...)
		}
	}
}
