//go:build linux

package interop

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// The numbers of requests and events, from wayland.xml.
const (
	displaySync, displayGetRegistry, displayDeleteID = 0, 1, 1
	registryBind, registryGlobal                     = 0, 0
	callbackDone                                     = 0
	shmCreatePool                                    = 0
	poolCreateBuffer, poolDestroy                    = 0, 1
	bufferDestroy                                    = 0
	seatGetKeyboard, seatCapabilities                = 1, 0
	keyboardKeymap, keyboardModifiers                = 0, 4
)

// wayland returns a message of the protocol: the object, the request or event, and the
// arguments, each a multiple of 4 bytes. A descriptor occupies none.
func wayland(object, opcode uint32, args ...any) (p []byte) {
	for _, a := range args {
		switch a := a.(type) {
		case int:
			p = binary.NativeEndian.AppendUint32(p, uint32(a))
		case string:
			p = binary.NativeEndian.AppendUint32(p, uint32(len(a)+1))
			p = append(p, a...)
			p = append(p, make([]byte, 4-len(a)%4)...)
		}
	}
	h := binary.NativeEndian.AppendUint32(nil, object)
	return append(binary.NativeEndian.AppendUint32(h, uint32(8+len(p))<<16|opcode), p...)
}

// waylandMessage is one that was received.
type waylandMessage struct {
	object, opcode uint32
	args           []byte
}

// int takes the next argument.
func (m *waylandMessage) int() int {
	n := binary.NativeEndian.Uint32(m.args)
	m.args = m.args[4:]
	return int(n)
}

// string takes the next argument.
func (m *waylandMessage) string() string {
	n := m.int()
	s := string(m.args[:n-1])
	m.args = m.args[(n+3)&^3:]
	return s
}

// message reads the next message, through a buffer that holds many.
func (d *decoder) message(t *testing.T) (m waylandMessage, ok bool) {
	t.Helper()
	if _, err := d.in.Peek(1); err == io.EOF {
		return m, false
	}
	h := d.bytes(t, 8)
	m.object = binary.NativeEndian.Uint32(h)
	size := binary.NativeEndian.Uint32(h[4:])
	m.opcode = size & 0xffff
	m.args = d.bytes(t, int(size>>16)-8)
	return m, true
}

// contents takes the next descriptor off the queue and reads its file.
func (d *decoder) contents(t *testing.T) string {
	t.Helper()
	files, err := d.TakeNextFiles(1)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(files)
	text, err := io.ReadAll(io.NewSectionReader(files[0], 0, 100))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// waylandServer serves a client, and notes what it asks for.
type waylandServer struct {
	*decoder
	objects map[uint32]string // interfaces by number
	said    strings.Builder
	keymap  *os.File
}

// request answers one request.
func (s *waylandServer) request(t *testing.T, m waylandMessage) {
	t.Helper()
	iface := s.objects[m.object]
	switch name := fmt.Sprint(iface, " ", m.opcode); name {
	case fmt.Sprint("wl_display ", displayGetRegistry):
		registry := uint32(m.int())
		s.objects[registry] = "wl_registry"
		s.send(t,
			slices.Concat(wayland(registry, registryGlobal, 1, "wl_shm", 1),
				wayland(registry, registryGlobal, 2, "wl_seat", 4)))
	case fmt.Sprint("wl_display ", displaySync):
		callback := m.int()
		s.send(t,
			slices.Concat(wayland(uint32(callback), callbackDone, 1), wayland(1, displayDeleteID, callback)))
	case fmt.Sprint("wl_registry ", registryBind):
		_, iface, _ := m.int(), m.string(), m.int()
		s.objects[uint32(m.int())] = iface
		fmt.Fprintln(&s.said, "bind", iface)
	case fmt.Sprint("wl_shm ", shmCreatePool):
		s.objects[uint32(m.int())] = "wl_shm_pool"
		fmt.Fprintf(&s.said, "create_pool %d: %s", m.int(), s.contents(t))
	case fmt.Sprint("wl_shm_pool ", poolCreateBuffer):
		s.objects[uint32(m.int())] = "wl_buffer"
		fmt.Fprintln(&s.said, "create_buffer", m.int(), m.int(), m.int(), m.int())
	case fmt.Sprint("wl_shm_pool ", poolDestroy), fmt.Sprint("wl_buffer ", bufferDestroy):
		fmt.Fprintln(&s.said, "destroy", iface)
	case fmt.Sprint("wl_seat ", seatGetKeyboard):
		keyboard := uint32(m.int())
		s.send(t,
			slices.Concat(wayland(keyboard, keyboardKeymap, 0, 9),
				wayland(keyboard, keyboardModifiers, 1, 5, 0, 0, 0)), number(t, s.keymap))
	default:
		t.Fatalf("the client asks for request %d of object %d, which is %q", m.opcode, m.object, iface)
	}
}

// Both pools, their buffers and the keyboard come in one sendmsg.
func TestDoesEachRequestOfLibwaylandGetItsDescriptor(t *testing.T) {
	client := compiled(t, "wayland_client", "wayland-client.h", "libwayland-dev", "-lwayland-client")
	clean(t)
	files := fdtest.Files(t, 3)
	ours, theirs := pair(t, "unix")
	cmd := exec.Command(client, files[0].Name(), files[1].Name())
	cmd.Env = append(os.Environ(), "WAYLAND_SOCKET=3")
	cmd.ExtraFiles = []*os.File{theirs}
	var out bytes.Buffer
	cmd.Stdout = &out
	p := start(t, cmd)
	s := &waylandServer{
		decoder: newDecoder(t, ours, 64), objects: map[uint32]string{1: "wl_display"}, keymap: files[2],
	}
	for {
		m, ok := s.message(t)
		if !ok {
			break
		}
		s.request(t, m)
	}
	p.wait(t)
	want := "bind wl_shm\nbind wl_seat\n" +
		"create_pool 7: file 0\ncreate_buffer 0 1 1 4\ndestroy wl_buffer\ndestroy wl_shm_pool\n" +
		"create_pool 8: file 1\ncreate_buffer 0 1 1 4\ndestroy wl_buffer\ndestroy wl_shm_pool\n"
	if got := s.said.String(); got != want {
		t.Errorf("the client asked for\n%swant\n%s", got, want)
	}
	if got, want := out.String(), "keymap 9: file 2\nmodifiers 5\n"; got != want {
		t.Errorf("the client got\n%swant\n%s", got, want)
	}
}

func TestDoesLibwaylandGetADescriptorForEachRequest(t *testing.T) {
	server := compiled(t, "wayland_server", "wayland-server.h", "libwayland-dev", "-lwayland-server")
	clean(t)
	files := fdtest.Files(t, 3)
	ours, theirs := pair(t, "unix")
	cmd := exec.Command(server, files[2].Name())
	cmd.ExtraFiles = []*os.File{theirs}
	var out bytes.Buffer
	cmd.Stdout = &out
	p := start(t, cmd)
	d := newDecoder(t, ours, 64)

	const registry, shm, seat, pool, buffer, pool2, keyboard = 2, 4, 5, 6, 7, 8, 9
	d.send(t, slices.Concat(wayland(1, displayGetRegistry, registry), wayland(1, displaySync, 3)))
	globals := map[string]int{}
	for {
		m, ok := d.message(t)
		if !ok {
			t.Fatal("the server has closed the connection")
		}
		if m.object == registry {
			name := m.int()
			globals[m.string()] = name
		} else if m.object == 3 {
			break
		}
	}
	// One sendmsg with several messages, and the descriptors of all of them.
	_, err := d.SendMessage(&fdpass.Outgoing{
		Payload: slices.Concat(
			wayland(registry, registryBind, globals["wl_shm"], "wl_shm", 1, shm),
			wayland(registry, registryBind, globals["wl_seat"], "wl_seat", 4, seat),
			wayland(shm, shmCreatePool, pool, 7),
			wayland(pool, poolCreateBuffer, buffer, 0, 1, 1, 4, 1),
			wayland(buffer, bufferDestroy),
			wayland(shm, shmCreatePool, pool2, 8),
			wayland(seat, seatGetKeyboard, keyboard)),
		Files: files[:2],
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, ok := d.message(t)
		if !ok {
			t.Fatal("the server has closed the connection")
		}
		if m.object == 1 && m.opcode == 0 {
			t.Fatalf("the server says %q", m.args)
		}
		if m.object == keyboard && m.opcode == keyboardKeymap {
			if got := d.contents(t); got != fdtest.Contents(2) {
				t.Errorf("the keymap is %q", got)
			}
			break
		}
	}
	d.Close()
	p.wait(t)
	want := "create_pool 7: file 0\ncreate_buffer 0 1 1 4\ndestroy wl_buffer\ncreate_pool 8: file 1\n"
	if got := out.String(); got != want {
		t.Errorf("the server was asked for\n%swant\n%s", got, want)
	}
}
