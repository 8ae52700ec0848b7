package main

import (
	"flag"
	"time"
)

// receiver is the command recv: its flags.
type receiver struct {
	connect bool
	n       int
	many    bool
	cat     bool
	names   string
	block   bool
	timeout time.Duration
}

func recvCommand() *command {
	return &command{
		name:    "recv",
		args:    "SOCKET [-- CMD [ARG…]]",
		summary: "receive descriptors: list them, copy them out, or run a program",
		help: `Listens on a Unix socket until somebody sends descriptors, and lists them.

SOCKET is a path, @name for an abstract socket, or fd:N for an inherited
descriptor that is a Unix socket, connected or listening. At a path the socket
is made with mode 0600 and removed in the end. Something else that stands
there is never touched, nor is a socket that somebody listens on; one that
nobody listens on any more is replaced. To an abstract socket every user of
the machine can connect.

With CMD the descriptors are not listed: this process becomes CMD, which has
them from 3 on and finds LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES in its
environment, as a program for socket activation expects (sd_listen_fds(3)).
With -many as well, CMD is started for each message, one after another.

-cat reads from where each descriptor stands, which is what it means to be
handed one: the sender's own position moves along.

examples:
  fdpass recv /tmp/s
  fdpass recv -cat -timeout 10s /tmp/s | sha256sum
  fdpass recv -n 1 /tmp/s -- ./server`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			var r receiver
			fs.BoolVar(&r.connect, "connect", false, "connect to SOCKET instead of listening there")
			fs.IntVar(&r.n, "n", 0, "receive `N` descriptors, in as many messages as it takes, and no\nmore; 0 is one message, with however many it has")
			fs.BoolVar(&r.many, "many", false, "go on until interrupted, one connection after another")
			fs.BoolVar(&r.cat, "cat", false, "copy the contents to stdout")
			fs.StringVar(&r.names, "names", "", "what LISTEN_FDNAMES is to be: a `NAME` for all or one for each,\nseparated by colons (default \"unknown\")")
			fs.BoolVar(&r.block, "block", false, "clear O_NONBLOCK on what CMD gets; whoever shares the\ndescriptors, such as the sender, sees that, too")
			fs.DurationVar(&r.timeout, "timeout", 0, "fail when nothing has come for this long; 0 never does")
			return r.run
		},
	}
}
