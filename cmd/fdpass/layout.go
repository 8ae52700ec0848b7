package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/draw"
	"example.com/fdpass/internal/printable"
)

// drawer is the command layout: its flags, and where it writes.
type drawer struct {
	fds  int
	with string
	show string
	svg  bool
	json bool
	wide int // -width; 0 is the terminal's
	out  io.Writer
	look look // of where it writes
}

func layoutCommand() *command {
	return &command{
		name:    "layout",
		args:    "[GOARCH…]",
		summary: "draw how messages lie in an architecture's memory",
		words:   "all " + strings.Join(names(abi.All), " "),
		help: `Draws msghdr, iovec, cmsghdr and a complete message with descriptors as the
kernel of each architecture has them: offset, size, C type and name, padding,
the bytes. Below it is the arithmetic of CMSG_LEN and CMSG_SPACE, and how many
descriptors the room lets through, which can be more than it was meant for.

Without GOARCH it is this machine's; "all" is every architecture that Go has on
Linux. What uname -m and Debian call an architecture will do as well (x86_64,
aarch64, i686, ppc64el). Several are drawn beside one another where they fit;
what is the same on several is drawn once.

EXTRAS are timestamp, cred, security, pidfd and inq, separated by commas; they
are drawn in the order in which the kernel writes them. PARTS are pointers (how
structs and buffers point to each other), msghdr, iovec, cmsghdr, mmsghdr, ucred
and message.

A drawing is as wide as the terminal, or 80 columns where it goes to a file or a
pipe. It has colours in a terminal, unless NO_COLOR is set or TERM is dumb. An
SVG image follows the page that it is on, light or dark. The bytes of padding
are shown as ??, since they may be anything.

examples:
  fdpass layout
  fdpass layout amd64 386 s390x
  fdpass layout -fds 3 -with cred,pidfd -show message
  fdpass layout -svg arm64 > arm64.svg`,
		mixed: true,
		setup: func(fs *flag.FlagSet) func([]string) error {
			d := drawer{out: os.Stdout, look: lookOf(os.Stdout)}
			fs.IntVar(&d.fds, "fds", 1, "draw a message with `N` descriptors")
			fs.StringVar(&d.with, "with", "", "what else is in the buffer: a list of `EXTRAS`")
			fs.StringVar(&d.show, "show", "pointers,msghdr,iovec,cmsghdr,message",
				"what to draw, a list of `PARTS`\n")
			fs.BoolVar(&d.svg, "svg", false, "write an SVG image")
			fs.BoolVar(&d.json, "json", false, "write JSON")
			fs.IntVar(&d.wide, "width", 0,
				fmt.Sprintf("draw in `COLUMNS`, %d at the least; 0 follows the terminal", draw.MinWidth))
			return d.run
		},
	}
}

func (d *drawer) run(args []string) error {
	if d.svg && d.json {
		return usagef("layout: either -svg or -json")
	}
	if d.wide != 0 && (d.wide < draw.MinWidth || d.wide > maxWidth) {
		return usagef("layout: -width %d: a drawing takes %d to %d columns", d.wide, draw.MinWidth, maxWidth)
	}
	archs, err := lookup(args)
	if err != nil {
		return usagef("layout: %v", err)
	}
	o := draw.Options{FDs: d.fds, With: words(d.with), Show: words(d.show)}
	var pictures []*draw.Picture
	for _, a := range archs {
		p, err := draw.New(a, o)
		if err != nil {
			return usagef("layout: %v", err)
		}
		pictures = append(pictures, p)
	}
	switch {
	case d.svg:
		return draw.SVG(d.out, pictures)
	case d.json:
		return printable.JSON(d.out, pictures, "  ")
	}
	s := draw.Style{Width: d.look.width, Color: d.look.color}
	if d.wide != 0 {
		s.Width = d.wide
	}
	return draw.Text(d.out, pictures, s)
}

// maxWidth is the largest -width, so that a slip does not fill the memory.
const maxWidth = 10000

// lookup finds the architectures that are named, each of them once, or this
// machine's.
func lookup(names []string) (archs []abi.Arch, err error) {
	if len(names) == 0 {
		return []abi.Arch{abi.Native()}, nil
	}
	add := func(a abi.Arch) {
		if !slices.ContainsFunc(archs, func(b abi.Arch) bool { return a.Name == b.Name }) {
			archs = append(archs, a)
		}
	}
	for _, name := range names {
		if name == "all" {
			for _, a := range abi.All {
				add(a)
			}
			continue
		}
		a, err := abi.Lookup(name)
		if err != nil {
			return nil, err
		}
		add(a)
	}
	return archs, nil
}

// words splits at commas; nothing is an empty list.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
