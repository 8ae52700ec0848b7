package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// tracer is the command trace: its flags.
type tracer struct {
	file    string // where to write, "-" for standard output, "" for standard error
	verbose bool
	pid     int
	json    bool
	errors  bool
	kinds   kindList
	lint    bool
	reads   bool
	times   bool
}

func traceCommand() *command {
	return &command{
		name:    "trace",
		args:    "PROGRAM [ARG…]",
		summary: "show the control messages of a program, and what is wrong with them",
		help: `Runs a program and shows every message with control messages that it and the
processes that it starts send and receive: the program and its process number,
the call with the descriptor, the socket's name and peer where they are known,
and its flags, how many bytes of payload or which error, msg_flags, and what
came or went. "0" stands for no flags. Messages of bytes only are not shown, nor
is a receive that found nothing (EAGAIN). A call is shown when it has returned:
what one process received may stand before what another sent. It writes to
standard error, or to the -o FILE.

Lines that begin with "wrong:" say what is wrong, why, and where docs/cmsg.md
explains it. -lint prints only these and exits with status 1 if there are any.
fdpass help lint lists them, fdpass help trace-json the objects of -json.

-p attaches to a process that runs, and lets it go at the end or at Ctrl-C. A
call that it is blocked in may end with EINTR, as after SIGSTOP and SIGCONT
(signal(7)).

It needs Linux 5.3 and the right to trace (ptrace(2)). By a seccomp filter the
program stops only at the calls that are looked at; with -p, or where a filter
is not allowed, it stops at each system call, which is slow. What a program does
by way of io_uring does not show; that it uses it does. Nor do the messages of a
program whose memory may not be read (PR_SET_DUMPABLE), which is an error for
-lint.

The exit status is the program's, or 128 and the number of the signal that ended
it; 127 if the program is not found and 126 if it cannot be run. If trace itself
ends early, as when nobody reads what it writes, the program is killed.

examples:
  fdpass trace fdpass demo
  fdpass trace -lint python3 server.py
  fdpass trace -t -e rights -p 1234`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			var t tracer
			fs.StringVar(&t.file, "o", "", "write to `FILE`; - is standard output")
			fs.BoolVar(&t.verbose, "v", false, "explain every byte, as decode does")
			fs.Var((*processID)(&t.pid), "p", "attach to the process `PID` instead of running a program")
			fs.BoolVar(&t.json, "json", false, "write JSON, one object a message and line")
			fs.BoolVar(&t.errors, "errors", false, "show only calls that failed")
			fs.Var(&t.kinds, "e", "show only messages with one of these `KINDS`, separated by commas:\n"+
				strings.Join(traceKinds, ", "))
			fs.BoolVar(&t.lint, "lint", false,
				"print only what is wrong, and exit with status 1 if anything is;\n"+
					"it includes -reads")
			fs.BoolVar(&t.reads, "reads", false,
				"look at read(2), readv(2), recv(2) and recvfrom(2), too: say where they\n"+
					"lost descriptors; slow for a program that reads much")
			fs.BoolVar(&t.times, "t", false, "begin each line with the time of day")
			return func(args []string) error {
				if err := t.check(args); err != nil {
					return err
				}
				status, err := t.run(args)
				if err == nil && status != 0 {
					os.Exit(status)
				}
				return err
			}
		},
	}
}

// check finds wrong usage.
func (t *tracer) check(args []string) error {
	switch {
	case t.pid == 0 && len(args) == 0:
		return usagef("trace: no program to run")
	case t.pid != 0 && len(args) > 0:
		return usagef("trace: -p and a program do not go together")
	}
	return nil
}

// traceKinds are the kinds of control messages that -e knows.
var traceKinds = []string{"rights", "cred", "pidfd", "security", "timestamp", "inq", "other"}

// kindList is the value of -e.
type kindList []string

func (k *kindList) String() string { return strings.Join(*k, ",") }

func (k *kindList) Set(s string) error {
	for _, kind := range strings.Split(s, ",") {
		if !slices.Contains(traceKinds, kind) {
			return fmt.Errorf("%q is not one of %s", kind, strings.Join(traceKinds, ", "))
		}
		*k = append(*k, kind)
	}
	return nil
}
