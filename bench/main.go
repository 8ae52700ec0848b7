// Command bench sets the library beside C, the standard library, other Go
// libraries and Python, on the same socket traffic in one run, and writes what
// it finds as Markdown, CSV and SVG. make bench builds what it needs and
// starts it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

// settings are the flags.
type settings struct {
	rounds  int
	out     string
	floor   string
	recipe  string
	python  string
	command string
}

func main() {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			end(role(os.Args[2:]))
		}
	}
	var s settings
	flag.IntVar(&s.rounds, "rounds", 60, "how often each measurement is made")
	flag.StringVar(&s.out, "out", ".", "the `directory` to write to")
	flag.StringVar(&s.floor, "floor", "", "the C `program`")
	flag.StringVar(&s.recipe, "recipe", "recipe/recipe.py", "the Python `program`")
	flag.StringVar(&s.python, "python", "python3", "the Python `interpreter`")
	flag.StringVar(&s.command, "command", "", "the fdpass `command`")
	flag.Parse()
	end(run(&s))
}

// roles are what this program is when it has started itself.
var roles = map[string]func(args []string) error{
	"child":  child,
	"dial":   dial,
	"scale":  scale,
	"inside": inside,
	"trace":  measureTrace,
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(s *settings) error {
	time.AfterFunc(10*time.Minute, func() { end(errors.New("not done after ten minutes")) })
	start := time.Now()
	r := &results{machine: describe(s)}
	for _, part := range []struct {
		name    string
		measure func(*settings, *results) error
	}{
		{"in one process", measureInside},
		{"messages", measureTraffic},
		{"codec", measureCodec},
		{"connections", measureScale},
		{"command", measureCommand},
	} {
		fmt.Printf("%6.1fs  %s\n", time.Since(start).Seconds(), part.name)
		if err := part.measure(s, r); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	r.took = time.Since(start)
	fmt.Printf("%6.1fs  writing to %s\n", r.took.Seconds(), s.out)
	return r.write(s.out)
}
