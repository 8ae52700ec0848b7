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

// readNear reads the header of a message before the call, and the control buffer.
// Where that is turns out only from the header; as it is often near, a piece of
// memory around the header is read at once, which is there as a whole or not at
// all. It is the number of reads that takes the time.
func (w *watcher) readNear(th *ptrace.Thread, c *ptrace.Call) (h header, control []byte, err error) {
	at, size := headerAt(c, 0)
	b := w.window[:]
	from := at &^ uint64(len(b)-1)
	if at+uint64(size)-from > uint64(len(b)) || th.Peek(from, b) != nil {
		from, b = at, b[:size]
		if err := th.Peek(from, b); err != nil {
			return h, nil, err
		}
	}
	h, _ = parseHeader(c, b[at-from:])
	off, n := h.control-from, uint64(len(b))
	if off <= n && h.controllen <= n-off {
		return h, slices.Clone(b[off:][:h.controllen]), nil
	}
	control, _ = w.control(th, h) // if not, the kernel cannot read it either
	return h, control, nil
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

// readReceived reads the header of a message that was received, and its control
// messages. Both are often near each other, and then one read is enough.
func (w *watcher) readReceived(th *ptrace.Thread, c *ptrace.Call, before header, i int) (
	h header, length uint32, control []byte, err error,
) {
	at, size := headerAt(c, i)
	room := min(before.controllen, mostRights)
	from, to := min(at, before.control), max(at+uint64(size), before.control+room)
	if room > 0 && to-from <= uint64(len(w.window)) && th.Peek(from, w.window[:to-from]) == nil {
		h, length = parseHeader(c, w.window[at-from:][:size])
		if h.control == before.control && h.controllen <= room {
			return h, length, slices.Clone(w.window[h.control-from:][:h.controllen]), nil
		}
	} else if h, length, err = readHeader(th, c, i); err != nil {
		return h, 0, nil, err
	}
	control, err = w.control(th, h)
	return h, length, control, err
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
