//go:build linux

package interop

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// The daemon keeps descriptors for those who come later. A whole table of them
// goes in one message, up to as many as a message has room for.
func TestDoesS6HoldDescriptors(t *testing.T) {
	daemon := program(t, "s6-fdholder-daemon", "s6")
	for _, n := range []int{1, 3, 253} {
		t.Run(fmt.Sprint(n, " at once"), func(t *testing.T) {
			clean(t)
			h := startHolder(t, daemon)
			files := fdtest.FDs(t, n)
			h.setDump(t, files)
			if got, want := h.list(t), holderNames(n); !slices.Equal(got, want) {
				t.Fatalf("it holds %q, not %q", got, want)
			}
			h.checkDump(t, files)
		})
		t.Run(fmt.Sprint(n, " one by one"), func(t *testing.T) {
			clean(t)
			h := startHolder(t, daemon)
			files := fdtest.FDs(t, n)
			for i, fd := range files {
				h.frame(t, append(append([]byte("S"), holderEntry(i)...), 0), fd)
				h.ok(t)
			}
			for i, fd := range files {
				h.retrieve(t, i, fd)
			}
		})
	}
}

// holder speaks the protocol of s6-fdholderd: frames of a length (32 bits, big
// endian), a number of descriptors (16 bits) and as many bytes as the length.
type holder struct{ *decoder }

func startHolder(t *testing.T, daemon string) holder {
	t.Helper()
	dir := fdtest.SocketDir(t)
	rules := filepath.Join(dir, "rules", "uid", fmt.Sprint(os.Getuid()))
	for name, value := range map[string]string{
		"allow":                          "",
		"env/S6_FDHOLDER_STORE_REGEX":    ".*",
		"env/S6_FDHOLDER_RETRIEVE_REGEX": ".*",
		"env/S6_FDHOLDER_GETDUMP":        "1",
		"env/S6_FDHOLDER_SETDUMP":        "1",
		"env/S6_FDHOLDER_LIST":           "1",
	} {
		path := filepath.Join(rules, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "s")
	p := start(t, exec.Command(daemon, "-i", filepath.Join(dir, "rules"), path))
	return holder{newDecoder(t, p.dial(t, path), 253)}
}

// frame sends a frame.
func (h holder) frame(t *testing.T, payload []byte, fds ...int) {
	t.Helper()
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	head = binary.BigEndian.AppendUint16(head, uint16(len(fds)))
	h.send(t, append(head, payload...), fds...)
}

// answer receives a frame, in which a first byte 0 says that all is well.
func (h holder) answer(t *testing.T) (payload []byte, fds []int) {
	t.Helper()
	head := h.bytes(t, 6)
	payload = h.bytes(t, int(binary.BigEndian.Uint32(head)))
	fds = h.fds()
	if want := int(binary.BigEndian.Uint16(head[4:])); len(fds) != want {
		t.Errorf("%d descriptors announced, %d came", want, len(fds))
	}
	return payload, fds
}

// ok receives an answer without descriptors and returns what follows the zero.
func (h holder) ok(t *testing.T) []byte {
	t.Helper()
	payload, fds := h.answer(t)
	if len(payload) == 0 || payload[0] != 0 || len(fds) != 0 {
		t.Fatalf("refused: %q", payload)
	}
	return payload[1:]
}

// retrieve asks for descriptor i, which has to be the file.
func (h holder) retrieve(t *testing.T, i, file int) {
	t.Helper()
	name := holderNames(i + 1)[i]
	h.frame(t, fmt.Appendf(nil, "R\x00%c%s\x00", len(name), name))
	payload, fds := h.answer(t)
	defer fdtest.Close(t, fds...)
	if string(payload) != "\x00" || len(fds) != 1 {
		t.Fatalf("%s is answered with %q and %d descriptors", name, payload, len(fds))
	}
	checkFile(t, fds[0], file, i)
}

// list asks for the names, in order.
func (h holder) list(t *testing.T) []string {
	t.Helper()
	h.frame(t, []byte("L"))
	rest := h.ok(t)[4:]
	names := strings.Split(strings.TrimSuffix(string(rest), "\x00"), "\x00")
	slices.Sort(names)
	return names
}

// setDump stores all files by one message.
func (h holder) setDump(t *testing.T, files []int) {
	t.Helper()
	h.frame(t, binary.BigEndian.AppendUint32([]byte("!"), uint32(len(files))))
	if trips := binary.BigEndian.Uint32(h.ok(t)); trips != 1 {
		t.Fatalf("it wants %d messages", trips)
	}
	all := []byte(".")
	for i := range files {
		all = append(append(all, holderEntry(i)...), 0)
	}
	h.frame(t, all, files...)
	h.ok(t)
}

// checkDump asks for everything that is held, which comes in one message, in
// no order of its own.
func (h holder) checkDump(t *testing.T, files []int) {
	t.Helper()
	h.frame(t, []byte("?"))
	head := h.ok(t)
	if binary.BigEndian.Uint32(head) != 1 || int(binary.BigEndian.Uint32(head[4:])) != len(files) {
		t.Fatalf("the dump begins % x", head)
	}
	payload, fds := h.answer(t)
	defer fdtest.Close(t, fds...)
	if len(fds) != len(files) {
		t.Fatalf("%d descriptors stored, %d came back", len(files), len(fds))
	}
	for _, fd := range fds {
		const tain = 12 // a TAI64N label
		name, rest, _ := bytes.Cut(payload[tain+1:], []byte{0})
		payload = rest
		i := slices.Index(holderNames(len(files)), string(name))
		if i < 0 {
			t.Fatalf("nothing was stored as %q", name)
		}
		checkFile(t, fd, files[i], i)
	}
}

// holderNames returns the names of n descriptors, in the order of the alphabet.
func holderNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("fd%03d", i))
	}
	return names
}

// holderEntry returns when to forget descriptor i, and its name.
func holderEntry(i int) []byte {
	hour := uint64(1<<62) + uint64(time.Now().Add(time.Hour).Unix())
	b := binary.BigEndian.AppendUint64(nil, hour)
	b = binary.BigEndian.AppendUint32(b, 0)
	name := holderNames(i + 1)[i]
	return append(append(b, byte(len(name))), name...)
}
