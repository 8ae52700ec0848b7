package main

import (
	"flag"
	"time"
)

// relay is the command relay: its flags.
type relay struct {
	wait    bool
	timeout time.Duration
}

func relayCommand() *command {
	return &command{
		name:    "relay",
		args:    "LISTEN CONNECT",
		summary: "pass connections on to another socket, with their descriptors",
		help: `Listens on LISTEN, connects to CONNECT for each connection that comes in, and
passes everything on in both directions: bytes, descriptors, the credentials of
the senders, and the end of each direction. It runs until a signal ends it, and
then removes the socket.

LISTEN is a path, @name for an abstract socket, or fd:N for an inherited
descriptor that is a listening Unix socket. A path becomes a socket that only
its owner can open. CONNECT is a path or @name. Both have to be of one type:
stream, or, if fd:N is a seqpacket socket, seqpacket.

Descriptors are sent on with the byte that they came with. Only a privileged
relay can send the credentials of others; any other sends its own.

examples:
  fdpass relay /tmp/s /run/dbus/system_bus_socket
  DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/s busctl list`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			var r relay
			fs.BoolVar(&r.wait, "wait", false, "wait for CONNECT to be there and listened on")
			fs.DurationVar(&r.timeout, "timeout", 30*time.Second,
				"give up connecting after this long; 0 never does")
			return r.run
		},
	}
}
