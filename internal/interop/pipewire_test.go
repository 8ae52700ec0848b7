//go:build linux

package interop

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// The clients share their buffers by memfds, and wake each other by eventfds. They
// fail if a buffer is another one at the one end than at the other.
func TestDoesEachMessageOfPipeWireGetItsDescriptors(t *testing.T) {
	w := startPipeWire(t)
	x := w.proxy(t, byQueue)
	client := w.client(t, x.front)
	w.link(t, client, x.front)
	client.wait(t)
	x.wait()
	if x.err != nil {
		t.Error(x.err)
	}
	for _, want := range []string{
		"ClientNode.PortBuffers /memfd:source", // from the source to the server
		"Core.AddMem /memfd:source",            // from the server to the sink
		"Core.AddMem /memfd:pipewire",
		"ClientNode.Transport anon_inode:[eventfd]",
		"ClientNode.SetActivation anon_inode:[eventfd]",
	} {
		if x.seen[want] == 0 {
			t.Errorf("none of %s; seen were %v", want, x.seen)
		}
	}
}

// In one sendmsg of PipeWire's server, the message that the descriptors are for is not
// the last.
func TestDoOffsetsFindTheDescriptorsOfPipeWire(t *testing.T) {
	w := startPipeWire(t)
	x := w.proxy(t, byOffset)
	if err := w.client(t, x.front).result(t); err == nil {
		t.Error("the client has done its work without descriptors")
	}
	x.wait()
	if !errors.Is(x.err, errOffset) {
		t.Errorf("the proxy has ended with %v", x.err)
	}
}

func TestDoClientsOfPipeWireShareBuffersThroughARelay(t *testing.T) {
	w := startPipeWire(t)
	front := relayTo(t, w.peer, w.socket, 2)
	client := w.client(t, front)
	w.link(t, client, w.socket)
	client.wait(t)
}

// pipewire is a server.
type pipewire struct {
	*peer
	env     []string
	socket  string
	pwlink  string // the program that links two nodes
	clients string // the program that is both
}

// startPipeWire starts a server that knows nothing of this machine's sound.
func startPipeWire(t *testing.T) *pipewire {
	t.Helper()
	daemon, pwlink := program(t, "pipewire", "pipewire-bin"), program(t, "pw-link", "pipewire-bin")
	clients := compiled(t, "pipewire_client", "pipewire-0.3/pipewire/pipewire.h", "libpipewire-0.3-dev",
		"-I/usr/include/pipewire-0.3", "-I/usr/include/spa-0.2", "-lpipewire-0.3")
	clean(t)
	dir := fdtest.SocketDir(t)
	w := &pipewire{socket: filepath.Join(dir, "pipewire"), pwlink: pwlink, clients: clients}
	w.env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "PIPEWIRE_CONFIG_DIR=testdata/pipewire")
	w.peer = start(t, w.command(w.socket, daemon))
	w.dial(t, w.socket).Close()
	return w
}

// command returns a program that talks to the server at socket.
func (w *pipewire) command(socket, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(slices.Clip(w.env), "PIPEWIRE_REMOTE="+socket)
	return cmd
}

// client starts the two clients, which end when 20 buffers have come from one to the
// other.
func (w *pipewire) client(t *testing.T, socket string) *peer {
	t.Helper()
	return start(t, w.command(socket, w.clients, "20"))
}

// link links them, as soon as the server knows both. If they end before pw-link does,
// it may miss what it has linked.
func (w *pipewire) link(t *testing.T, client *peer, socket string) {
	t.Helper()
	client.until(t, func() error {
		p := start(t, w.command(socket, w.pwlink, "source:out_0", "sink:in_0"))
		err := p.result(t)
		if err == nil || client.ended() {
			return nil
		}
		return fmt.Errorf("pw-link: %v: %s", err, p.said())
	})
}
