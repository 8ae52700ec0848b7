package main

import (
	"flag"
	"os"
)

// tracer is the command trace: its flags, and what it keeps account of.
type tracer struct {
	file    string // where to write, or "" for standard error
	verbose bool
}

func traceCommand() *command {
	return &command{
		name:    "trace",
		args:    "PROGRAM [ARG…]",
		summary: "run a program and show the control messages that it sends and receives",
		help: `Runs a program and shows every message with control messages that it and the
processes that it starts send and receive: the number of the thread, over which
descriptor, how many bytes of payload, and what. Messages of bytes alone are not
shown. A call is shown when it has returned: what one process received may stand
before what another sent. It writes to standard error, or to the -o FILE.

It needs Linux 5.3 and the right to trace (ptrace(2)), and slows the program
down, since it stops at each system call. What a program does by way of io_uring
does not show.

The exit status is the program's, or 128 and the number of the signal that ended
it.

examples:
  fdpass trace fdpass demo
  fdpass trace -v -o /tmp/trace ssh -o ControlPath=/tmp/mux host true`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			var t tracer
			fs.StringVar(&t.file, "o", "", "write to `FILE`")
			fs.BoolVar(&t.verbose, "v", false, "explain every byte, as decode does")
			return func(args []string) error {
				status, err := t.run(args)
				if err == nil && status != 0 {
					os.Exit(status)
				}
				return err
			}
		},
	}
}
