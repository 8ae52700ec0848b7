//go:build linux

package interop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"example.com/fdpass"
)

// takeFunc takes the descriptors of the message that was just read, which has n.
type takeFunc func(d *decoder, n int) ([]int, error)

// byQueue is the right way for PipeWire.
func byQueue(d *decoder, n int) ([]int, error) { return d.TakeNextFDs(n) }

// byOffset is the wrong way.
func byOffset(d *decoder, n int) ([]int, error) {
	fds, err := d.TakeFDs(d.Offset() - int64(d.in.Buffered()))
	if err == nil && len(fds) != n {
		err = fmt.Errorf("%w: %d, not %d", errOffset, len(fds), n)
	}
	return fds, err
}

var errOffset = errors.New("the offset finds other descriptors")

// pass passes on what one side says: messages of a header, which is four words, and a
// payload.
func (x *pipewireProxy) pass(from, to *decoder, kind string) error {
	const header = 16
	for {
		h, err := from.in.Peek(header)
		if err != nil {
			return err
		}
		id := binary.NativeEndian.Uint32(h)
		op := binary.NativeEndian.Uint32(h[4:]) // and the size of the payload
		n := int(binary.NativeEndian.Uint32(h[12:]))
		p := make([]byte, header+op&0xffffff)
		if _, err := io.ReadFull(from.in, p); err != nil {
			return err
		}
		fds, err := x.take(from, n)
		if err == nil {
			err = x.look(pipewireKey{kind, id == 0, op >> 24}, fds)
		}
		if err == nil {
			_, err = to.Send(p, fds...)
		}
		fdpass.CloseFDs(fds)
		if err != nil {
			return err
		}
	}
}

// pipewireKey says what a message is. The object with the number 0 is Core. Of the
// others only a ClientNode has messages with descriptors.
type pipewireKey struct {
	kind   string
	core   bool
	opcode uint32
}

const method, event = "method", "event" // of the client, of the server

// pipewireMessages are those with descriptors: which these are, and how many (0: as
// many as there are buffers).
var pipewireMessages = map[pipewireKey]struct {
	name, file string
	n          int
}{
	{event, true, 6}:   {"Core.AddMem", "/memfd:", 1},
	{event, false, 0}:  {"ClientNode.Transport", "anon_inode:[eventfd]", 2},
	{event, false, 10}: {"ClientNode.SetActivation", "anon_inode:[eventfd]", 1},
	{method, false, 6}: {"ClientNode.PortBuffers", "/memfd:", 0},
}

// look checks that a message has the descriptors that it should have, and counts them.
func (x *pipewireProxy) look(key pipewireKey, fds []int) error {
	if len(fds) == 0 {
		return nil
	}
	m, known := pipewireMessages[key]
	if !known || m.n != 0 && m.n != len(fds) {
		return fmt.Errorf("message %v %s has %d descriptors", key, m.name, len(fds))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, fd := range fds {
		file, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if err != nil {
			return err
		}
		if !strings.HasPrefix(file, m.file) {
			return fmt.Errorf("%s has %s", m.name, file)
		}
		file, _, _ = strings.Cut(file, " (") // "deleted"
		file, _, _ = strings.Cut(file, "-")  // flags and size
		x.seen[m.name+" "+file]++
	}
	return nil
}
