package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func helpCommand() *command {
	var words []string
	for _, t := range topics {
		words = append(words, t.name)
	}
	return &command{
		name:    "help",
		args:    "[COMMAND|TOPIC]",
		summary: "explain a command, or how descriptors travel",
		words:   strings.Join(words, " "),
		help: `Prints the help of a command, or one of these:

` + topicList() + `
examples:
  fdpass help recv
  fdpass help room`,
		setup: func(*flag.FlagSet) func([]string) error {
			return func(args []string) error { return help(os.Stdout, args) }
		},
	}
}

func help(w io.Writer, args []string) error {
	switch len(args) {
	case 0:
		return helpCommand().usage(w)
	case 1:
	default:
		return usagef("help: wants one COMMAND or TOPIC")
	}
	for _, t := range topics {
		if t.name == args[0] {
			_, err := fmt.Fprintf(w, "%s\n\n%s\n", t.title, strings.Trim(t.text, "\n"))
			return err
		}
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.usage(w)
		}
	}
	return usagef("help: there is no command or topic %q; fdpass help lists them", args[0])
}

// topicList is a line for each topic.
func topicList() string {
	var b strings.Builder
	for _, t := range topics {
		fmt.Fprintf(&b, "  %-10s %s\n", t.name, t.title)
	}
	return b.String()
}
