// Package draw shows how messages lie in an architecture's memory: in boxes
// of characters for the terminal, as SVG, and as JSON.
//
// The structs come from internal/abi and the bytes of the message from
// internal/cmsg, explained by internal/decode: nothing is known here but how
// to draw them.
package draw

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
)

// MaxFDs is how many descriptors the kernel passes in a message, SCM_MAX_FD of
// include/net/scm.h.
const MaxFDs = 253

// Options say what to draw.
type Options struct {
	FDs  int      // how many descriptors the rights message has, 0 to MaxFDs
	With []string // what else is in the buffer: see Extras
	Show []string // which parts: see Parts
}

// Extras are what Options.With knows, in the order in which the kernel writes
// them. The descriptors come before the pidfd.
var Extras = []string{"timestamp", "cred", "security", "pidfd", "inq"}

// Parts are what Options.Show knows, in the order in which they are drawn.
// Pointers are how the structs and the buffers of a call point to each other.
var Parts = []string{"pointers", "msghdr", "iovec", "cmsghdr", "mmsghdr", "ucred", "message"}

// Picture is what there is to draw of one architecture.
type Picture struct {
	Arch      string         `json:"arch"`       // GOARCH
	Kind      string         `json:"kind"`       // "64-bit little-endian"
	Word      int            `json:"word"`       // sizeof(size_t), in bytes
	SOLSocket int            `json:"sol_socket"` // SOL_SOCKET
	Pointers  []Pointer      `json:"pointers,omitempty"`
	Structs   []abi.Struct   `json:"structs"`
	Bytes     string         `json:"bytes,omitempty"` // of the control buffer, in hex, with zeros for padding
	Message   *decode.Report `json:"message,omitempty"`
	Room      *Room          `json:"room,omitempty"`

	buf    []byte
	report *decode.Report // of buf, whether it is asked for or not
	hdr    abi.Struct     // struct msghdr
	iov    abi.Struct     // struct iovec
}

// New collects what o asks for. The error names what o asks for in vain.
func New(a abi.Arch, o Options) (*Picture, error) {
	if o.FDs < 0 || o.FDs > MaxFDs {
		return nil, fmt.Errorf("%d descriptors: the kernel passes 0 to %d in a message", o.FDs, MaxFDs)
	}
	if err := known("extra", o.With, Extras); err != nil {
		return nil, err
	}
	if err := known("part", o.Show, Parts); err != nil {
		return nil, err
	}
	if len(o.Show) == 0 {
		return nil, fmt.Errorf("nothing to draw; known: %s", strings.Join(Parts, ", "))
	}
	p := &Picture{Arch: a.Name, Kind: a.Kind(), Word: a.Word, SOLSocket: a.SOLSocket, Structs: []abi.Struct{}}
	for _, s := range []abi.Struct{a.Msghdr(), a.Iovec(), a.Cmsghdr(), a.Mmsghdr(), a.Ucred()} {
		if slices.Contains(o.Show, s.Name) {
			p.Structs = append(p.Structs, s)
		}
	}
	room := p.buffer(a, o)
	if slices.Contains(o.Show, "message") {
		p.Bytes, p.Room, p.Message = hex.EncodeToString(p.buf), room, p.report
	}
	if slices.Contains(o.Show, "pointers") {
		p.Pointers, p.hdr, p.iov = pointers, a.Msghdr(), a.Iovec()
	}
	return p, nil
}

// known says which of names is not in all.
func known(what string, names, all []string) error {
	for _, n := range names {
		if !slices.Contains(all, n) {
			return fmt.Errorf("there is no %s %q; known: %s", what, n, strings.Join(all, ", "))
		}
	}
	return nil
}

// buffer makes a control buffer as the kernel of a fills it.
func (p *Picture) buffer(a abi.Arch, o Options) *Room {
	r := &Room{
		Data: 4 * o.FDs, Header: a.HeaderLen(), CmsgLen: a.Len(4 * o.FDs), CmsgSpace: a.Space(4 * o.FDs),
	}
	var b []byte
	for _, name := range Extras {
		if name == "pidfd" {
			r.Before = len(b)
			b = a.AppendRights(b, a.SOLSocket, sampleFDs(o.FDs))
		}
		if slices.Contains(o.With, name) {
			typ, data := sample(a, name, o.FDs)
			b = a.Append(b, a.SOLSocket, typ, data)
		}
	}
	r.After = len(b) - r.Before - r.CmsgSpace
	r.Total = len(b)
	r.Admits = min((r.Total-r.Before-r.Header)/4, MaxFDs)
	p.buf, p.report = b, decode.Explain(a, b)
	for _, m := range p.report.Messages {
		unspecified(m.Fields, o.FDs)
	}
	return r
}

// unspecified says that the bytes of padding may be anything.
func unspecified(fields []decode.Field, fds int) {
	for i, f := range fields {
		switch {
		case f.Name != "padding":
		case f.Note == "" || fds == MaxFDs:
			fields[i].Note = "unspecified bytes"
		default:
			fields[i].Note = "unspecified bytes, " + f.Note
		}
	}
}

// sampleFDs returns n descriptors, as a process gets them that has a few open.
func sampleFDs(n int) []int {
	fds := make([]int, n)
	for i := range fds {
		fds[i] = 5 + i
	}
	return fds
}

// sample returns the type and an example of the data of what Extras calls name.
func sample(a abi.Arch, name string, fds int) (typ int, data []byte) {
	put := func(size int, values ...uint64) (b []byte) {
		for _, v := range values {
			for i := range size {
				if a.Big {
					i = size - 1 - i
				}
				b = append(b, byte(v>>(8*i)))
			}
		}
		return b
	}
	switch name {
	case "timestamp":
		return abi.SCM_TIMESTAMP, put(a.Word, 1800000000, 500000)
	case "cred":
		return abi.SCM_CREDENTIALS, put(4, 4242, 1000, 1000)
	case "security":
		return abi.SCM_SECURITY, []byte("unconfined")
	case "pidfd":
		return abi.SCM_PIDFD, put(4, uint64(5+fds))
	}
	return abi.SCM_INQ, put(4, 512)
}
