package main

import "flag"

// demo is the command demo, which has no flags.
type demo struct{}

func demoCommand() *command {
	return &command{
		name:    "demo",
		args:    "[FILE…]",
		summary: "pass open files to a second process and show how it works",
		help: `Starts a second process of itself, passes it open files, and shows the control
message that the kernel wrote for the receiver, byte by byte. The receiver
knows no names and reads the files all the same.

FILE is as for send; without any, the demo brings three of its own.

examples:
  fdpass demo
  fdpass demo /etc/hostname tcp:example.com:22`,
		setup: func(*flag.FlagSet) func([]string) error { return new(demo).run },
	}
}
