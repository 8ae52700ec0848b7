//go:build linux

package interop

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
)

// nodeMessage is what node's internal messages say, of a handle that comes
// along and of one that has arrived. Each is a line of JSON.
type nodeMessage struct {
	Cmd  string `json:"cmd"`
	Type string `json:"type,omitempty"`
	Msg  string `json:"msg,omitempty"`
}

// startNode runs a script with an IPC channel, as child_process.fork does.
func startNode(t *testing.T, script string) (*peer, *decoder) {
	t.Helper()
	node := program(t, "node", "nodejs")
	clean(t)
	ours, theirs := pair(t, "unix")
	cmd := exec.Command(node, "-e", script)
	cmd.Env = append(os.Environ(), "NODE_CHANNEL_FD=3")
	cmd.ExtraFiles = []*os.File{theirs}
	return start(t, cmd), newDecoder(t, ours, 1)
}

// say sends a message.
func (d *decoder) say(t *testing.T, message any, fds ...int) {
	t.Helper()
	line, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	d.send(t, append(line, '\n'), fds...)
}

// next receives a message.
func (d *decoder) next(t *testing.T) (m nodeMessage) {
	t.Helper()
	if err := json.Unmarshal([]byte(d.line(t)), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDoesNodeTakeOurListener(t *testing.T) {
	p, d := startNode(t, `
process.on('message', (message, server) => {
	server.on('connection', (connection) => {
		connection.end('hello from node')
		server.close()
		process.disconnect()
	})
})`)
	ln := listen(t)
	d.say(t, nodeMessage{"NODE_HANDLE", "net.Server", "take"}, number(t, ln))
	if m := d.next(t); m.Cmd != "NODE_HANDLE_ACK" {
		t.Fatalf("node answers %+v", m)
	}
	has(t, p, []*net.TCPListener{ln})
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	bounded(t, conn)
	if got, err := io.ReadAll(conn); err != nil || string(got) != "hello from node" {
		t.Errorf("got %q, %v", got, err)
	}
	conn.Close()
	p.wait(t)
}

func TestDoesNodeHandOverItsListener(t *testing.T) {
	p, d := startNode(t, `
const server = require('net').createServer()
server.listen(0, '127.0.0.1', () => process.send('take', server))
process.on('message', () => { server.close(); process.disconnect() })`)
	m := d.next(t)
	files := d.files(t)
	if m != (nodeMessage{"NODE_HANDLE", "net.Server", "take"}) || len(files) != 1 {
		t.Fatalf("got %+v and %d descriptors", m, len(files))
	}
	has(t, p, files)
	d.say(t, nodeMessage{Cmd: "NODE_HANDLE_ACK"})
	d.say(t, "close")
	p.wait(t)
	ln, err := net.FileListener(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	echo(t, bounded(t, near), bounded(t, far), "through node's listener")
}
