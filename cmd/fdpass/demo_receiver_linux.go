package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"example.com/fdpass"
	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
	"example.com/fdpass/internal/printable"
	"example.com/fdpass/rawmsg"
)

// demoReceiver is the second process of the demo. It has a socket as its
// descriptor 3 and knows nothing else.
func demoReceiver([]string) error {
	payload, control, err := receiveRaw(3)
	if err == io.EOF {
		os.Exit(1) // the sender has said why
	}
	if err != nil {
		return err
	}
	out := &printer{w: os.Stdout}
	out.printf(`calls recvmsg(2) and finds
   %q in its payload buffer, and in its control buffer
   what the kernel wrote there:

`, payload)
	text, err := explained(control, lookOf(os.Stdout).color)
	if err != nil {
		return err
	}
	out.printf("%s\n", indent(text, "  "))
	out.printf(`
   The numbers are the receiver's own: the kernel has given it duplicates of
   the sender's descriptors. It reads what they are open on:

`)
	for c, err := range fdpass.ParseControls(control) {
		if err != nil {
			return err
		}
		fds, err := c.Rights(nil)
		if err != nil {
			return err
		}
		for _, fd := range fds {
			out.printf("     fd %-4d %s\n", fd, contents(fd))
		}
	}
	out.printf("\nThat was it. Next: fdpass recv -h, fdpass send -h.\n")
	return out.err
}

// explained is what decode says of a control buffer.
func explained(control []byte, color bool) (string, error) {
	report := decode.Explain(abi.Native(), control)
	write := report.WriteText
	if color {
		write = report.WriteColor
	}
	var text strings.Builder
	if err := write(&text); err != nil {
		return "", err
	}
	if report.Error != nil {
		return "", report.Error
	}
	return text.String(), nil
}

// printer prints until something cannot be written, and keeps that error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// receiveRaw is the mechanism: one call, a header that points to two buffers,
// and lengths in it that the kernel sets to what it has used.
func receiveRaw(sock int) (payload, control []byte, err error) {
	payload = make([]byte, 64)
	control = make([]byte, fdpass.CmsgSpace(4*rawmsg.SCM_MAX_FD))
	iov := rawmsg.Iovec{Base: &payload[0], Len: uintptr(len(payload))}
	msg := rawmsg.Msghdr{
		Iov:        &iov,
		Iovlen:     1,
		Control:    &control[0],
		Controllen: uintptr(len(control)),
	}
	n, err := rawmsg.Recvmsg(sock, &msg, syscall.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, nil, os.NewSyscallError("recvmsg", err)
	}
	if n == 0 {
		return nil, nil, io.EOF
	}
	return payload[:n], control[:msg.Controllen], nil
}

// The demo shows only the beginning of a file.
const (
	demoBytes = 4096
	demoLines = 4
	demoWidth = 66
)

// contents is the beginning of what a descriptor reads, in lines that fit
// after its number.
func contents(fd int) string {
	f := os.NewFile(uintptr(fd), fmt.Sprintf("fd %d", fd))
	defer f.Close()
	buf := make([]byte, demoBytes)
	n, err := f.Read(buf) // once: a connection may have no more to read for now
	if n == 0 {
		if err == io.EOF {
			return "(empty)"
		}
		return fmt.Sprintf("(cannot be read: %v)", errors.Unwrap(err))
	}
	return excerpt(string(buf[:n]))
}

// excerpt is a text's first lines, one below the other; of other bytes it is
// their numbers.
func excerpt(s string) string {
	text := wholeCharacters(s)
	if text == "" || !printable.IsText(text) {
		return fmt.Sprintf("% x … (%d bytes or more)", s[:min(len(s), 12)], len(s))
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > demoLines {
		lines = append(lines[:demoLines], "…")
	}
	for i, l := range lines {
		l = strings.ReplaceAll(l, "\t", " ")
		if r := []rune(l); len(r) > demoWidth {
			l = string(r[:demoWidth-1]) + "…"
		}
		lines[i] = l
	}
	return strings.Join(lines, "\n             ")
}

// wholeCharacters is s without a last character that the buffer's end has cut in
// two.
func wholeCharacters(s string) string {
	for i := len(s) - 1; i >= 0 && i >= len(s)-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:]) {
				return s[:i]
			}
			break
		}
	}
	return s
}
