package main

import (
	"flag"
	"time"
)

// sender is the command send: its flags, and what comes of them at the start.
type sender struct {
	data    string
	hex     string
	write   bool
	wait    bool
	listen  bool
	many    bool
	mode    string
	group   string
	from    string
	timeout time.Duration

	payload []byte
	access
	uid uint32 // of -from
}

func sendCommand() *command {
	return &command{
		name:    "send",
		args:    "SOCKET FILE…",
		summary: "open files and send their descriptors",
		help: `Opens the files and sends them over a Unix socket, in one message. That it
succeeds means that the message is queued: whether anybody ever receives it does
not show.

SOCKET is a path, @name for an abstract socket, or fd:N for an inherited
descriptor that is a connected Unix socket. At a path it may be a stream,
seqpacket or datagram socket. Nothing is written to stdout, so SOCKET may be
fd:1.

With -listen it is the other way round: send makes the socket, as recv does, and
hands the descriptors to the first that connects, or with -many to everyone
until it is interrupted. To an abstract socket every user of the machine can
connect: only -from keeps others out.

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
  fdpass send -hex 00000014 @service fd:0 </dev/null
  ssh -o ProxyUseFdpass=yes \
      -o ProxyCommand='fdpass send fd:1 tcp:%h:%p' example.com`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			var s sender
			fs.StringVar(&s.data, "data", "\x00",
				"send `TEXT` as the payload, or what is in @FILE; on a stream\n"+
					"one byte at the least")
			fs.StringVar(&s.hex, "hex", "", "send the bytes of these hex `DIGITS` as the payload")
			fs.BoolVar(&s.write, "w", false, "open each PATH for reading and writing")
			fs.BoolVar(&s.wait, "wait", false, "wait for the socket to be there and listened on")
			fs.BoolVar(&s.listen, "listen", false, "listen on SOCKET and send to whoever connects")
			fs.BoolVar(&s.many, "many", false, "with -listen, go on until interrupted")
			fs.StringVar(&s.mode, "mode", "",
				"with -listen, the mode of the socket's file, in octal `DIGITS`\n"+
					"(default 0600)")
			fs.StringVar(&s.group, "group", "", "with -listen, the `GROUP` of the socket's file")
			fs.StringVar(&s.from, "from", "",
				"with -listen, send to this `USER` only, a name or a number\n"+
					"(SO_PEERCRED: who connected)")
			fs.DurationVar(&s.timeout, "timeout", 30*time.Second,
				"give up after this long; 0 never does. It covers opening the\n"+
					"files, and with -listen waiting for somebody; with -many it is\n"+
					"for each connection")
			return s.run
		},
	}
}
