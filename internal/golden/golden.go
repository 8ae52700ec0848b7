// Package golden has what real kernels wrote into control buffers: a file in testdata
// for each architecture, which make golden writes. Its tests decode all files on any
// machine, and compare the file of this machine's architecture with what its kernel
// writes.
package golden

import (
	"encoding/hex"
	"fmt"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/lines"
)

// File is the messages that one kernel delivered.
type File struct {
	Arch     string // GOARCH
	Kernel   string // uname -r
	Messages []Message
}

// Message is one message as recvmsg(2) left it, and what is known of it from
// elsewhere than its own bytes.
type Message struct {
	Name       string
	Flags      uint32   // msg_flags
	Controllen int      // msg_controllen
	Installed  []int    // the descriptors that are open since then, by /proc; a pidfd is not among them
	PIDFD      []int    // the pidfd, in the same way
	Process    [3]int   // the sender's process, user and group, from getpid(2) and the like
	Clock      [2]int64 // the time in seconds before it was sent and after it came
	Control    []byte   // the whole buffer; what the kernel left alone is Untouched
}

// Untouched is the value of every byte of the buffer before the call.
const Untouched = 0xa5

// String returns the file's text.
func (f File) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What a kernel wrote into control buffers. Made by make golden.\n"+
		"arch %s\nkernel %s\n", f.Arch, f.Kernel)
	for _, m := range f.Messages {
		fmt.Fprintf(&b,
			"\nmessage %s\nflags %#x\ncontrollen %d\ninstalled %d\npidfd %d\nprocess %d\nclock %d\n",
			m.Name, m.Flags, m.Controllen, m.Installed, m.PIDFD, m.Process, m.Clock)
		for i := 0; i < len(m.Control); i += 16 {
			fmt.Fprintf(&b, "control % x\n", m.Control[i:min(i+16, len(m.Control))])
		}
	}
	return b.String()
}

// Parse reads what [File.String] writes.
func Parse(text string) (f File, err error) {
	for line := range lines.Of(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if key == "" || key == "#" {
			continue
		}
		if key == "message" {
			f.Messages = append(f.Messages, Message{})
		}
		if err := f.set(key, value); err != nil {
			return File{}, fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
		}
	}
	if f.Arch == "" || f.Kernel == "" || len(f.Messages) == 0 {
		return File{}, fmt.Errorf("not a golden file: %d messages of %q", len(f.Messages), f.Arch)
	}
	return f, nil
}

func (f *File) set(key, value string) (err error) {
	m := &Message{}
	if n := len(f.Messages); n > 0 {
		m = &f.Messages[n-1]
	}
	list := strings.Fields(strings.Trim(value, "[]"))
	switch key {
	case "arch":
		f.Arch = value
	case "kernel":
		f.Kernel = value
	case "message":
		m.Name = value
	case "flags":
		_, err = fmt.Sscanf(value, "%v", &m.Flags)
	case "controllen":
		_, err = fmt.Sscanf(value, "%d", &m.Controllen)
	case "installed":
		m.Installed, err = numbers(list)
	case "pidfd":
		m.PIDFD, err = numbers(list)
	case "process":
		_, err = fmt.Sscanf(value, "[%d %d %d]", &m.Process[0], &m.Process[1], &m.Process[2])
	case "clock":
		_, err = fmt.Sscanf(value, "[%d %d]", &m.Clock[0], &m.Clock[1])
	case "control":
		var b []byte
		b, err = hex.DecodeString(strings.ReplaceAll(value, " ", ""))
		m.Control = append(m.Control, b...)
	default:
		err = fmt.Errorf("no such key")
	}
	return err
}

func numbers(words []string) (ns []int, err error) {
	for _, w := range words {
		var n int
		if _, err := fmt.Sscanf(w, "%d", &n); err != nil {
			return nil, err
		}
		ns = append(ns, n)
	}
	return ns, nil
}

// Shape is everything about a message that is the same whenever the same
// kernel delivers it: the contents of its control messages are left out, which
// are numbers of processes and descriptors, and times.
func (m Message) Shape(a abi.Arch) string {
	b := append([]byte(nil), m.Control...)
	rest := b[:min(m.Controllen, len(b))]
	for {
		c, next, ok, err := a.Next(rest)
		if !ok || err != nil {
			break
		}
		clear(c.Data)
		rest = next
	}
	return fmt.Sprintf("%s: flags %#x, controllen %d, %d descriptors, %d pidfds\n% x",
		m.Name, m.Flags, m.Controllen, len(m.Installed), len(m.PIDFD), b)
}

// Compare says where the messages of f and other with the same names differ
// in their shape, and which names only one has.
func (f File) Compare(other File) (differences []string, err error) {
	a, err := abi.Lookup(f.Arch)
	if err != nil {
		return nil, err
	}
	theirs := make(map[string]Message)
	for _, m := range other.Messages {
		theirs[m.Name] = m
	}
	for _, m := range f.Messages {
		t, ok := theirs[m.Name]
		delete(theirs, m.Name)
		if !ok {
			differences = append(differences, fmt.Sprintf("%s: only Linux %s has it", m.Name, f.Kernel))
		} else if mine, their := m.Shape(a), t.Shape(a); mine != their {
			differences = append(differences, fmt.Sprintf("Linux %s: %s\nLinux %s: %s",
				f.Kernel, mine, other.Kernel, their))
		}
	}
	for name := range theirs {
		differences = append(differences, fmt.Sprintf("%s: only Linux %s has it", name, other.Kernel))
	}
	return differences, nil
}
