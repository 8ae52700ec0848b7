package main

import (
	"time"

	"example.com/fdpass/internal/ptrace"
)

// traceRecord is what is said of one message: the object of -json. Members are
// added to it, and none are taken away or change their meaning.
type traceRecord struct {
	Time     string         `json:"time"`    // RFC 3339
	PID      int            `json:"pid"`     // of the process
	TID      int            `json:"tid"`     // of the thread
	Program  string         `json:"program"` // as ps shows it
	Call     string         `json:"call"`    // "recvmsg"
	Index    *int           `json:"index,omitempty"`
	FD       int            `json:"fd"`
	Socket   *traceSocket   `json:"socket,omitempty"`
	Flags    []string       `json:"flags"` // of the call
	Result   int64          `json:"result"`
	Errno    string         `json:"errno,omitempty"`
	MsgFlags []string       `json:"msg_flags,omitempty"` // of a message that was received
	Room     uint64         `json:"room"`                // msg_controllen before the call, in bytes
	Controls []traceControl `json:"controls"`
	Bad      string         `json:"malformed,omitempty"` // where the control messages make no sense
	Note     string         `json:"note,omitempty"`
	Wrong    []traceFinding `json:"wrong,omitempty"`

	process *ptrace.Process // whose descriptors have no names yet, or nil

	bytes string // all of the control messages, explained, for -v
	sends bool
	late  bool // what is wrong turned out only now; the message has been shown
}

// traceSocket is the socket of a call.
type traceSocket struct {
	Kind   string     `json:"kind"`             // as package net has them: "unix", "unixgram", …
	Local  string     `json:"local,omitempty"`  // its name, if it has one
	Remote string     `json:"remote,omitempty"` // the peer's name, if it has one
	Peer   *tracePeer `json:"peer,omitempty"`   // who connected or listened: SO_PEERCRED

	listens bool

	sent, received string // what text has said
}

// tracePeer is a process as it was when it connected, listened or made the pair.
type tracePeer struct {
	PID     int    `json:"pid"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	Program string `json:"program,omitempty"`
}

// traceControl is one control message.
type traceControl struct {
	Name        string            `json:"name"`    // "SCM_RIGHTS"
	Summary     string            `json:"summary"` // "2 descriptors"
	Descriptors []traceDescriptor `json:"descriptors,omitempty"`

	kind string // one of traceKinds
}

// traceDescriptor is a descriptor in a message, as the traced process has it.
type traceDescriptor struct {
	FD int64  `json:"fd"`
	Is string `json:"is"` // what it is open on
}

// traceFinding is something that is wrong.
type traceFinding struct {
	Trap string `json:"trap"` // its name, for programs
	Why  string `json:"why"`
	Link string `json:"link"` // where it is explained
}

// timeStamp is RFC 3339 with as many digits always.
func timeStamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000000Z07:00") }
