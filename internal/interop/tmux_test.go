//go:build linux

package interop

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// The messages of tmux, from its tmux-protocol.h. They are OpenBSD's imsg: many
// in one sendmsg, and each says by a flag whether it takes a descriptor.
const (
	tmuxFlags     = 100
	tmuxTerm      = 101
	tmuxTTYName   = 102
	tmuxStdin     = 104
	tmuxDone      = 106
	tmuxClientPID = 107
	tmuxCwd       = 108
	tmuxStdout    = 110
	tmuxLongFlags = 111
	tmuxCommand   = 200
	tmuxExit      = 203

	tmuxControl = 0x10002000 // the flags of a client in control mode, tmux -C, that starts a server
	tmuxVersion = 8          // PROTOCOL_VERSION, in the peer's ID
)

// imsg is a message: struct imsg_hdr and the data.
type imsg struct {
	typ   uint32
	hasFD bool
	data  []byte
}

const imsgHasFD = 1 // IMSGF_HASFD

func (m imsg) bytes() []byte {
	p := binary.NativeEndian.AppendUint32(nil, m.typ)
	p = binary.NativeEndian.AppendUint16(p, uint16(16+len(m.data)))
	flags := uint16(0)
	if m.hasFD {
		flags = imsgHasFD
	}
	p = binary.NativeEndian.AppendUint16(p, flags)
	p = binary.NativeEndian.AppendUint32(p, tmuxVersion)
	p = binary.NativeEndian.AppendUint32(p, uint32(os.Getpid()))
	return append(p, m.data...)
}

// imsg reads the next message and, if it has one, its descriptor as a file, which
// is closed at the end of t.
func (d *decoder) imsg(t *testing.T) (m imsg, f *os.File) {
	t.Helper()
	h := d.bytes(t, 16)
	m.typ = binary.NativeEndian.Uint32(h)
	m.data = d.bytes(t, int(binary.NativeEndian.Uint16(h[4:]))-16)
	if m.hasFD = binary.NativeEndian.Uint16(h[6:])&imsgHasFD != 0; m.hasFD {
		files, err := d.TakeNextFiles(1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeAll(files) })
		f = files[0]
	}
	return m, f
}

// sendImsgs sends several messages in one sendmsg, with a file for one of them.
func sendImsgs(t *testing.T, d *decoder, f *os.File, msgs []imsg) {
	t.Helper()
	var all []byte
	for _, m := range msgs {
		all = append(all, m.bytes()...)
	}
	if _, err := d.SendMessage(&fdpass.Outgoing{Payload: all, Files: []*os.File{f}}); err != nil {
		t.Fatal(err)
	}
}

// word returns an int or a pid as data.
func word(n int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }

// tmux's client says who it is, and sends its standard input and output.
func TestDoesATmuxClientHandOverItsTerminal(t *testing.T) {
	tmux := program(t, "tmux", "tmux")
	clean(t)
	ln := listenUnix(t)
	sent := fdtest.Files(t, 2)
	in, err := os.Open(sent[0].Name())
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Open(sent[1].Name()) // nothing is written to it
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tmux, "-S", ln.Addr().String(), "list-commands")
	cmd.Env = append(os.Environ(), "TMUX=", "TERM=xterm")
	cmd.Stdin, cmd.Stdout = in, out
	p := start(t, cmd)
	conn, err := ln.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	bounded(t, conn)
	d := newDecoder(t, conn, 16)
	files := map[uint32]*os.File{}
	var command []byte
	for command == nil {
		m, f := d.imsg(t)
		if f != nil {
			files[m.typ] = f
		}
		if m.typ == tmuxCommand {
			command = m.data
		}
	}
	if !bytes.HasSuffix(command, []byte("list-commands\x00")) {
		t.Errorf("the command is %q", command)
	}
	for i, typ := range []uint32{tmuxStdin, tmuxStdout} {
		if files[typ] == nil {
			t.Fatalf("message %d has no descriptor; those that have are %v", typ, files)
		}
		if id(t, files[typ]) != id(t, sent[i]) {
			t.Errorf("message %d has another file", typ)
		}
	}
	if len(files) != 2 {
		t.Errorf("%d messages have a descriptor", len(files))
	}
	d.send(t, imsg{typ: tmuxExit, data: word(0)}.bytes())
	p.wait(t)
}

// A client in control mode, whose commands tmux's server reads from the standard
// input that it was sent, and answers on the standard output.
func TestDoesATmuxServerServeTheDescriptorsOfItsClient(t *testing.T) {
	tmux := program(t, "tmux", "tmux")
	clean(t)
	path := filepath.Join(fdtest.SocketDir(t), "tmux")
	cmd := exec.Command(tmux, "-S", path, "-f", "/dev/null", "-D")
	cmd.Env = append(os.Environ(), "TMUX=", "SHELL=/bin/sh")
	p := start(t, cmd)
	d := newDecoder(t, p.dial(t, path), 16)
	stdin, commands := pipe(t)
	answers, stdout := pipe(t)

	// imsg takes one descriptor from each recvmsg and closes the others.
	sendImsgs(t, d, stdin, []imsg{
		{typ: tmuxFlags, data: word(tmuxControl)},
		{typ: tmuxLongFlags, data: binary.NativeEndian.AppendUint64(nil, tmuxControl)},
		{typ: tmuxTerm, data: []byte("xterm\x00")},
		{typ: tmuxTTYName, data: []byte("\x00")},
		{typ: tmuxCwd, data: []byte("/\x00")},
		{typ: tmuxStdin, hasFD: true},
	})
	sendImsgs(t, d, stdout, []imsg{
		{typ: tmuxStdout, hasFD: true},
		{typ: tmuxClientPID, data: word(os.Getpid())},
		{typ: tmuxDone},
		{typ: tmuxCommand, data: append(word(2), "new-session\x00cat\x00"...)},
	})
	stdin.Close()
	stdout.Close()
	if _, err := io.WriteString(commands, "display-message -p 'it was read'\n"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(answers)
	for lines.Scan() && lines.Text() != "it was read" {
	}
	if lines.Err() != nil || lines.Text() != "it was read" {
		t.Errorf("tmux did not answer: %v", lines.Err())
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.Close() // tmux waits for its clients
	p.wait(t)
}
