package main

import (
	"flag"
	"time"
)

// sender is the command send: its flags.
type sender struct {
	data    string
	write   bool
	wait    bool
	timeout time.Duration
}

func sendCommand() *command {
	return &command{
		name:    "send",
		args:    "SOCKET FILE…",
		summary: "open files and send their descriptors",
		help: `Opens the files and sends them over a Unix socket, in one message.

SOCKET is a path, @name for an abstract socket, or fd:N for an inherited
descriptor that is a connected Unix socket. Nothing is written to stdout, so
SOCKET may be fd:1.

FILE is one of
  PATH               opened for reading (with -w for writing too)
  fd:N               a descriptor that fdpass was started with
  tcp:HOST:PORT      a TCP connection, which is made first
  listen:HOST:PORT   a TCP listener; HOST may be empty
An IPv6 HOST stands with or without brackets. A path that looks like one of
these is written ./fd:3.

What fdpass opens itself it hands over blocking (without O_NONBLOCK), as a
program expects that has not asked for anything else. That flag is shared by
all who have the descriptor, so on fd:N it is left as it is.

examples:
  fdpass send -wait /tmp/s /etc/hostname
  ssh -o ProxyUseFdpass=yes \
      -o ProxyCommand='fdpass send fd:1 tcp:%h:%p' example.com`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			var s sender
			fs.StringVar(&s.data, "data", "\x00", "send `TEXT` as the payload, on a stream one byte\nat the least")
			fs.BoolVar(&s.write, "w", false, "open each PATH for reading and writing")
			fs.BoolVar(&s.wait, "wait", false, "wait for the socket to be there and listened on")
			fs.DurationVar(&s.timeout, "timeout", 30*time.Second, "give up after this long; 0 never does")
			return s.run
		},
	}
}
