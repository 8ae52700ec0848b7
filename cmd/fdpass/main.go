// Command fdpass sends and receives open file descriptors over Unix sockets,
// and shows what such a message looks like.
//
//	fdpass demo
//	fdpass recv /tmp/s
//	fdpass send -wait /tmp/s /etc/hostname
//
// Every command has its own help: fdpass recv -h. It exits with status 1 when
// it failed, with 2 when it was used wrongly, and with 126 or 127 when a program
// cannot be run.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"example.com/fdpass/internal/printable"
)

// command is one subcommand. Its flags are declared apart from running it, so
// that help and shell completion know them too.
type command struct {
	name    string
	args    string // what follows the flags in the usage line
	summary string // one line, lower case, no full stop
	help    string // what -h prints below the flags, with an example
	words   string // what its arguments may be, for shell completion; files if empty
	mixed   bool   // whether flags may stand between the arguments, and after them
	// setup declares the flags on fs and returns what runs the command with
	// the arguments that follow them.
	setup func(fs *flag.FlagSet) (run func(args []string) error)
}

// commands are in the order in which the help lists them. It is a function
// because commands such as help refer back to the list.
func commands() []*command {
	return []*command{
		demoCommand(), recvCommand(), sendCommand(), relayCommand(), layoutCommand(),
		decodeCommand(), traceCommand(), helpCommand(), completionCommand(),
	}
}

// usageError is wrong usage, as opposed to a failure.
type usageError string

func (e usageError) Error() string { return string(e) }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return usageError(fmt.Sprintf(format, args...))
}

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is the whole program; the result is its exit status.
func run(args []string) int {
	err := dispatch(args)
	if err == nil {
		return 0
	}
	printError(err)
	return statusOf(err)
}

// printError writes an error to standard error, in one line, unless that has been
// done. What it repeats may have been named by somebody else.
func printError(err error) {
	if err == errPrinted {
		return
	}
	fmt.Fprintf(os.Stderr, "fdpass: %s\n", printable.Line(message(err)))
}

// message is an error's text; the library's own begin with its name already.
func message(err error) string {
	return strings.TrimPrefix(err.Error(), "fdpass: ")
}

func dispatch(args []string) error {
	if len(args) == 0 {
		overview(os.Stderr)
		return usagef("no command given")
	}
	switch args[0] {
	case "-h", "-help", "--help":
		return overview(os.Stdout)
	case "-version", "--version":
		return version(os.Stdout)
	case "complete-words":
		return completeWords(os.Stdout, args[1:])
	}
	if stage, ok := stages[args[0]]; ok {
		return stage(args[1:])
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.start(args[1:])
		}
	}
	return usagef("there is no command %q; fdpass -h lists them", args[0])
}

// start parses the flags and runs the command, or prints its help.
func (c *command) start(args []string) error {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are printed once, by run
	run := c.setup(fs)
	explainErrors(fs)
	args, err := c.parse(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return c.usage(os.Stdout)
	case err != nil:
		return usagef("%s: %v; see fdpass %s -h", c.name, err, c.name)
	}
	return run(args)
}

// parse sets the flags and returns the arguments. Where both are mixed, what
// follows a "--" is arguments.
func (c *command) parse(fs *flag.FlagSet, args []string) (rest []string, err error) {
	if !c.mixed {
		err := fs.Parse(args)
		return fs.Args(), err
	}
	var after []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, after = args[:i], args[i+1:]
	}
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if fs.NArg() == 0 {
			return append(rest, after...), nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// usage is the text of -h.
func (c *command) usage(w io.Writer) error {
	var b bytes.Buffer
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(&b)
	c.setup(fs)
	flags := 0
	fs.VisitAll(func(*flag.Flag) { flags++ })
	line := "usage: fdpass " + c.name
	if flags > 0 {
		line += " [flags]"
	}
	if c.args != "" {
		line += " " + c.args
	}
	fmt.Fprintf(&b, "%s\n\n%s\n", line, c.help)
	if flags > 0 {
		fmt.Fprintf(&b, "\nflags:\n")
		fs.PrintDefaults()
	}
	_, err := w.Write(b.Bytes())
	return err
}

// overview is the text of fdpass -h.
func overview(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `fdpass passes open file descriptors between programs, over Unix sockets.

usage: fdpass COMMAND [flags] [ARG…]
       fdpass --version

`)
	tw := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(tw, "  %s\t%s\n", c.name, c.summary)
	}
	tw.Flush()
	fmt.Fprintf(&b, `
fdpass COMMAND -h explains a command. For example, in two terminals:

  fdpass recv /tmp/s
  fdpass send -wait /tmp/s /etc/hostname
`)
	_, err := w.Write(b.Bytes())
	return err
}
