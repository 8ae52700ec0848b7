package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass/internal/printable"
)

// outputError is that output cannot be written, which ends everything.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// open opens what -payload names.
func (o *sink) open(name string) (err error) {
	switch {
	case name == "":
	case strings.HasPrefix(name, "fd:"):
		var fd int
		if fd, err = parseFD(name); err == nil {
			o.payload, err = inherited(fd, name)
		}
	default:
		o.payload, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	return err
}

// write writes to f what belongs together.
func (o *sink) write(f *os.File, p []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := f.Write(p); err != nil {
		return outputError{err}
	}
	return nil
}

// deliver delivers what a session, if it is one of many, has brought.
func (r *receiver) deliver(s *session, b batch) error {
	if len(r.cmd) > 0 {
		return r.start(b)
	}
	return r.show(s, b)
}

// show writes what came to stdout.
func (r *receiver) show(s *session, b batch) error {
	if err := r.keep(b); err != nil {
		return err
	}
	if r.cat {
		return r.copyAll(s, b)
	}
	var text bytes.Buffer
	var err error
	if r.json {
		err = printable.JSON(&text, b.object(), "")
	} else {
		err = list(&text, b)
	}
	if err != nil {
		return err
	}
	return r.out.write(os.Stdout, text.Bytes())
}

// keep writes the payload where -payload says, and says what is missing of it
// where nothing else does.
func (r *receiver) keep(b batch) error {
	if b.more != "" && (r.cat || len(r.cmd) > 0) {
		printError(errors.New(b.more))
	}
	if r.out.payload == nil {
		return nil
	}
	return r.out.write(r.out.payload, b.data)
}

// copyAll copies what the descriptors read to stdout. What cannot be read is named,
// and does not keep the others from being copied.
func (r *receiver) copyAll(s *session, b batch) error {
	var failed error
	for _, f := range b.files {
		err := r.copyOne(s, f)
		var fatal outputError
		if errors.As(err, &fatal) {
			return err
		}
		if err != nil {
			printError(fmt.Errorf("descriptor %d, %s: %w", number(f), nameOf(f), err))
			failed = errPrinted
		}
	}
	return failed
}

// nameOf is what a descriptor is open on, for people.
func nameOf(f *os.File) (name string) {
	control(f, func(fd int) error {
		d, err := describe(fd)
		name = fmt.Sprintf("%s %s", d.kind, d.what)
		if err != nil {
			name = err.Error()
		}
		return nil
	})
	return name
}

// copyOne copies one descriptor in pieces, so that a slow one keeps no other
// connection from being copied.
func (r *receiver) copyOne(s *session, f *os.File) error {
	p := make([]byte, 64<<10)
	for {
		if s != nil {
			if err := s.readable(f); err != nil {
				return err
			}
		}
		n, err := f.Read(p)
		if n > 0 {
			if err := r.out.write(os.Stdout, p[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, syscall.EAGAIN): // nonblocking, and of no poller
			time.Sleep(10 * time.Millisecond)
		case err != nil:
			return reason(err)
		}
	}
}

// reason is why a call on a file failed, without the file's name, which says
// nothing where the file was received.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
