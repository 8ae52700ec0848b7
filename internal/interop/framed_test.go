//go:build linux

package interop

import (
	"bufio"
	"io"
	"net"
	"os"
	"testing"

	"example.com/fdpass"
)

// decoder reads a protocol from a stream socket through a buffer, which takes
// in whatever is there, and asks for descriptors message by message.
type decoder struct {
	*fdpass.Stream
	in *bufio.Reader
}

func newDecoder(t *testing.T, conn *net.UnixConn, limit int) *decoder {
	t.Helper()
	s, err := fdpass.NewStream(conn, fdpass.StreamOptions{MaxFDs: limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &decoder{s, bufio.NewReader(s)}
}

// bytes reads the next n bytes.
func (d *decoder) bytes(t *testing.T, n int) []byte {
	t.Helper()
	p := make([]byte, n)
	if _, err := io.ReadFull(d.in, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// line reads to the end of a line, which it cuts off.
func (d *decoder) line(t *testing.T) string {
	t.Helper()
	line, err := d.in.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line[:len(line)-1]
}

// send sends a message with descriptors.
func (d *decoder) send(t *testing.T, p []byte, fds ...int) {
	t.Helper()
	if _, err := d.Send(p, fds...); err != nil {
		t.Fatal(err)
	}
}

// fds takes the descriptors of the bytes read so far.
func (d *decoder) fds() []int {
	fds, err := d.TakeFDs(d.Offset() - int64(d.in.Buffered()))
	if err != nil {
		panic(err)
	}
	return fds
}

// files is fds with files, which are closed at the end of t.
func (d *decoder) files(t *testing.T) []*os.File {
	t.Helper()
	files, err := d.TakeFiles(d.Offset() - int64(d.in.Buffered()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(files) })
	return files
}
