package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/draw"
)

// values are what a flag may be, by the name of its value in the help. A value
// that has none here is a file if it is called FILE, and anything otherwise.
var values = map[string][]string{
	"GOARCH": names(abi.All),
	"TYPE":   {"stream", "seqpacket", "dgram"},
	"PARTS":  draw.Parts,
	"EXTRAS": draw.Extras,
	"KINDS":  traceKinds,
}

// listValues are those that may be several, with commas between them.
var listValues = []string{"PARTS", "EXTRAS", "KINDS"}

// completeWords writes the words that the last word of a line may become, for the
// scripts of [completion]. The words are those after fdpass.
func completeWords(w io.Writer, line []string) error {
	var b strings.Builder
	if len(line) == 0 {
		line = []string{""}
	}
	c := completer{out: &b, last: line[len(line)-1], before: line[:len(line)-1]}
	c.complete()
	_, err := io.WriteString(w, b.String())
	return err
}

// completer completes one line.
type completer struct {
	out    *strings.Builder
	before []string // the words before the last, without fdpass
	last   string
	flags  *flag.FlagSet // of the command
}

// offer writes a word if the last can become it.
func (c *completer) offer(word, about string) {
	if strings.HasPrefix(word, c.last) {
		about, _, _ = strings.Cut(strings.ReplaceAll(about, "\n", " "), ";")
		fmt.Fprintf(c.out, "%s\t%s\n", word, about)
	}
}

func (c *completer) files() { c.out.WriteString(":files\n") }

// command hands over to another command, whose name is c.before[i], or the last.
func (c *completer) command(i int) { fmt.Fprintf(c.out, ":command %d\n", i+1) }

func (c *completer) complete() {
	if len(c.before) == 0 {
		for _, d := range commands() {
			c.offer(d.name, d.summary)
		}
		return
	}
	for _, d := range commands() {
		if d.name == c.before[0] {
			c.flags = flag.NewFlagSet(d.name, flag.ContinueOnError)
			d.setup(c.flags)
			c.arguments(d)
			return
		}
	}
}

// arguments completes what follows a command's name.
func (c *completer) arguments(d *command) {
	var given []string // that are no flags
	for i := 1; i < len(c.before); i++ {
		word := c.before[i]
		switch f := c.flag(word); {
		case word == "--" && strings.Contains(d.args, "-- CMD") && len(given) > 0:
			c.command(i + 1)
			return
		case word == "--":
			c.argument(d, append(given, c.before[i+1:]...))
			return
		case len(given) > 0 && !d.mixed || !strings.HasPrefix(word, "-") || word == "-":
			if strings.Contains(d.args, "PROGRAM") {
				c.command(i)
				return
			}
			given = append(given, word)
		case f != nil && takesValue(f) && !strings.Contains(word, "="):
			if i == len(c.before)-1 {
				c.value(f, "")
				return
			}
			i++
		}
	}
	switch name, _, isValue := strings.Cut(c.last, "="); {
	case !strings.HasPrefix(c.last, "-") || len(given) > 0 && !d.mixed:
		c.argument(d, given)
	case isValue:
		if f := c.flag(name); f != nil {
			c.value(f, name+"=")
		}
	default:
		c.flags.VisitAll(func(f *flag.Flag) {
			_, usage := flag.UnquoteUsage(f)
			c.offer("-"+f.Name, usage)
		})
	}
}

// flag is the flag that a word is, or nil.
func (c *completer) flag(word string) *flag.Flag {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	return c.flags.Lookup(name)
}

func takesValue(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return !ok || !b.IsBoolFlag()
}

// value completes the value of a flag, in front of which the word may have the
// flag's name.
func (c *completer) value(f *flag.Flag, prefix string) {
	name, _ := flag.UnquoteUsage(f)
	if name == "FILE" {
		c.files()
		return
	}
	var taken []string
	if slices.Contains(listValues, name) {
		if i := strings.LastIndexByte(c.last, ','); i >= 0 {
			taken = words(strings.TrimPrefix(c.last[:i], prefix))
			prefix = c.last[:i+1]
		}
	}
	for _, v := range values[name] {
		if !slices.Contains(taken, v) {
			c.offer(prefix+v, "")
		}
	}
}

// argument completes what is no flag, and follows those that are given.
func (c *completer) argument(d *command, given []string) {
	if strings.Contains(d.args, "PROGRAM") {
		c.command(len(c.before))
		return
	}
	if strings.Contains(d.args, "-- CMD") && len(given) > 0 {
		c.offer("--", "run a program with the descriptors")
		return
	}
	all := strings.Fields(d.words)
	if d.name == "help" {
		for _, other := range commands() {
			all = append(all, other.name)
		}
	}
	if all == nil {
		c.files()
	}
	for _, word := range all {
		if !slices.Contains(given, word) {
			c.offer(word, "")
		}
	}
}
