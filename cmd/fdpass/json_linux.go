package main

import "unicode/utf8"

// receivedJSON is what recv -json writes for a message. fdpass help json explains
// it to users.
type receivedJSON struct {
	Descriptors []descriptorJSON `json:"descriptors"`
	Bytes       int              `json:"bytes"`
	Payload     []byte           `json:"payload"` // base64
	Text        string           `json:"text,omitempty"`
	Missing     string           `json:"missing,omitempty"`
	Sender      *senderJSON      `json:"sender,omitempty"`
}

type descriptorJSON struct {
	FD     int      `json:"fd"`
	Kind   string   `json:"kind"`
	Access string   `json:"access"`
	Flags  []string `json:"flags"`
	Offset *int64   `json:"offset,omitempty"`
	Size   *int64   `json:"size,omitempty"`
	What   string   `json:"what,omitempty"`
	Error  string   `json:"error,omitempty"`
}

type senderJSON struct {
	PID     int32  `json:"pid"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	Program string `json:"program,omitempty"`
}

// object is a batch as JSON has it.
func (b batch) object() receivedJSON {
	o := receivedJSON{Descriptors: []descriptorJSON{}, Bytes: b.bytes, Payload: b.data, Missing: b.more}
	if utf8.Valid(b.data) {
		o.Text = string(b.data)
	}
	if b.peer.known {
		o.Sender = &senderJSON{b.peer.pid, b.peer.uid, b.peer.gid, b.peer.program}
	}
	for _, d := range b.describe() {
		flags := append([]string{}, d.flags...)
		j := descriptorJSON{FD: d.fd, Kind: d.kind, Access: d.mode, Flags: flags, What: d.what}
		if d.offset >= 0 {
			j.Offset = &d.offset
		}
		if d.size >= 0 {
			j.Size = &d.size
		}
		if d.err != nil {
			j.Error = d.err.Error()
		}
		o.Descriptors = append(o.Descriptors, j)
	}
	return o
}
