package main

import (
	"slices"

	"example.com/fdpass/internal/decode"
	"example.com/fdpass/internal/ptrace"
)

// header is what a traced program's msghdr holds.
type header struct {
	name, iov, iovlen, control, controllen uint64
	namelen, flags                         uint32
}

// headerAt is where the header of message i of a call is, and how many bytes of
// it there are with what follows it in a batch.
func headerAt(c *ptrace.Call, i int) (at uint64, size int) {
	o := &c.ABI.Msghdr
	if isBatch(c) {
		return c.Addr + uint64(i*o.Mmsghdr), o.Size + 4
	}
	return c.Addr, o.Size
}

// readHeader reads the header of message i of a call.
func readHeader(th *ptrace.Thread, c *ptrace.Call, i int) (h header, length uint32, err error) {
	var b [64]byte
	at, size := headerAt(c, i)
	if err := th.Peek(at, b[:size]); err != nil {
		return h, 0, err
	}
	h, length = parseHeader(c, b[:size])
	return h, length, nil
}

// readHeaders reads the headers of a call, up to the first that the kernel cannot
// read either.
func (w *watcher) readHeaders(th *ptrace.Thread, c *ptrace.Call) (all []header) {
	if isBatch(c) {
		stride := c.ABI.Msghdr.Mmsghdr
		batch := make([]byte, c.Vlen*stride)
		if th.Peek(c.Addr, batch) == nil {
			for ; len(batch) > 0; batch = batch[stride:] {
				h, _ := parseHeader(c, batch)
				all = append(all, h)
			}
			return all
		}
	}
	for i := range c.Vlen {
		h, _, err := readHeader(th, c, i)
		if err != nil {
			break
		}
		all = append(all, h)
	}
	return all
}

func parseHeader(c *ptrace.Call, b []byte) (h header, length uint32) {
	o := &c.ABI.Msghdr
	h = header{
		name: c.ABI.Long(b), namelen: c.ABI.Uint32(b[c.ABI.Word:]),
		iov: c.ABI.Long(b[o.Iov:]), iovlen: c.ABI.Long(b[o.Iovlen:]),
		control: c.ABI.Long(b[o.Control:]), controllen: c.ABI.Long(b[o.Controllen:]),
		flags: c.ABI.Uint32(b[o.Flags:]),
	}
	if isBatch(c) {
		length = c.ABI.Uint32(b[o.Size:])
	}
	return h, length
}

// mostRights is CMSG_SPACE of as many descriptors as the kernel passes in a message.
const mostRights = 16 + 4*254

// readMessage reads the header of message i of a call, and the control messages. It
// is the number of reads that takes the time, and both are often near each other:
// where they have been before, one read is tried. The control messages are missing
// if they cannot be read.
func (w *watcher) readMessage(th *ptrace.Thread, c *ptrace.Call, before header, i int) (
	h header, length uint32, control []byte, err error,
) {
	at, size := headerAt(c, i)
	room := min(before.controllen, mostRights)
	from, to := min(at, before.control), max(at+uint64(size), before.control+room)
	// A program may say that its buffer is where addresses end.
	isNear := room > 0 && before.control+room > before.control && to-from <= uint64(len(w.window))
	if isNear && th.Peek(from, w.window[:to-from]) == nil {
		h, length = parseHeader(c, w.window[at-from:][:size])
		if h.control == before.control && h.controllen <= room {
			return h, length, slices.Clone(w.window[h.control-from:][:h.controllen]), nil
		}
	} else if h, length, err = readHeader(th, c, i); err != nil {
		return h, 0, nil, err
	}
	control, _ = w.control(th, h)
	return h, length, control, nil
}

// readBefore is readMessage before the call. A program often has its header at the
// same place again.
func (w *watcher) readBefore(th *ptrace.Thread, c *ptrace.Call) (h header, control []byte, err error) {
	h, _, control, err = w.readMessage(th, c, w.headers[c.Addr], 0)
	if len(w.headers) > 1<<8 {
		clear(w.headers)
	}
	w.headers[c.Addr] = h
	return h, control, err
}

// control reads a control buffer.
func (w *watcher) control(th *ptrace.Thread, h header) ([]byte, error) {
	if h.controllen == 0 {
		return nil, nil
	}
	b := make([]byte, min(h.controllen, decode.MaxBuffer))
	if err := th.Peek(h.control, b); err != nil {
		return nil, err
	}
	return b, nil
}
