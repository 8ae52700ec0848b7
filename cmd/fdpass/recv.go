package main

import (
	"flag"
	"os"
	"sync"
	"time"
)

// receiver is the command recv: its flags, and what comes of them at the start.
type receiver struct {
	connect bool
	wait    bool
	n       int
	many    bool
	cat     bool
	json    bool
	names   string
	block   bool
	timeout time.Duration
	typ     string
	mode    string
	group   string
	from    string
	payload string

	cmd  []string
	path string // of the file of cmd
	access
	uid uint32 // of -from
	out sink
}

func recvCommand() *command {
	return &command{
		name:    "recv",
		args:    "SOCKET [-- CMD [ARG…]]",
		summary: "receive descriptors: list them, copy them out, or run a program",
		help: `Listens on a Unix socket until somebody sends descriptors, and lists them.

SOCKET is a path, @name for an abstract socket, or fd:N for an inherited
descriptor that is a Unix socket, connected or listening. At a path the socket
is made with mode 0600, or what -mode says, and removed in the end. Something
else that stands there is never touched, nor is a socket that a process has
open; one that no process has open is replaced. To an abstract socket every
user of the machine can connect: only -from keeps others out.

With CMD the descriptors are not listed: this process becomes CMD, which has
them from 3 on and finds LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES in its
environment, as a program for socket activation expects (sd_listen_fds(3)), and
FDPASS_PID, FDPASS_UID and FDPASS_PAYLOAD (fdpass help activation). With -many
as well, CMD is started for each message.

Connections are served side by side, each with its own -timeout, so that one
that sends nothing does not keep others waiting; descriptors of different
connections are never put together. With -many what goes wrong on one of them is
printed, and the others go on: messages of one connection one after another,
those of different connections at the same time, and what -cat copies in pieces
of at most 64 KiB.

-cat reads from where each descriptor stands, which is what it means to be
handed one: the sender's own position moves along. What cannot be read is named,
and the status is 1 in the end.

examples:
  fdpass recv /tmp/s
  fdpass recv -cat -timeout 10s /tmp/s | sha256sum
  fdpass recv -from alice -json @s
  fdpass recv -n 1 /tmp/s -- ./server`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			var r receiver
			fs.BoolVar(&r.connect, "connect", false, "connect to SOCKET instead of listening there")
			fs.BoolVar(&r.wait, "wait", false,
				"with -connect, wait for the socket to be there and listened on")
			fs.IntVar(&r.n, "n", 0,
				"receive `N` descriptors, in as many messages of one connection as\n"+
					"it takes, and no more; 0 is one message, with however many it has")
			fs.BoolVar(&r.many, "many", false, "go on until interrupted")
			fs.BoolVar(&r.cat, "cat", false, "copy the contents to stdout")
			fs.BoolVar(&r.json, "json", false,
				"list in JSON, one object in a line for each message\n"+
					"(fdpass help json)")
			fs.StringVar(&r.names, "names", "",
				"what LISTEN_FDNAMES is to be: a `NAME` for all or one for each,\n"+
					"separated by colons (default \"unknown\")")
			fs.BoolVar(&r.block, "block", false,
				"clear O_NONBLOCK on what CMD gets; whoever shares the\n"+
					"descriptors, such as the sender, sees that, too")
			fs.DurationVar(&r.timeout, "timeout", 0,
				"fail when nothing has come for this long; 0 never does; with\n"+
					"-many only the connection is closed")
			fs.StringVar(&r.typ, "type", "stream",
				"listen on a socket of this `TYPE`: stream, seqpacket, dgram\n")
			fs.StringVar(&r.mode, "mode", "",
				"the mode of the socket's file, in octal `DIGITS` (default 0600)")
			fs.StringVar(&r.group, "group", "", "the `GROUP` of the socket's file, a name or a number")
			fs.StringVar(&r.from, "from", "",
				"take descriptors of this `USER` only, a name or a number\n"+
					"(SO_PEERCRED: who connected)")
			fs.StringVar(&r.payload, "payload", "",
				"write the bytes that come with the descriptors to `FILE` or fd:N")
			return r.run
		},
	}
}

// sink is where things go, which several connections share.
type sink struct {
	mu      sync.Mutex
	payload *os.File // of -payload, or nil
}
