package main

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/draw"
)

// drawer is the command layout: its flags, and where it writes.
type drawer struct {
	fds  int
	with string
	show string
	svg  bool
	json bool
	out  io.Writer
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
Linux. Several are drawn beside one another where they fit.

EXTRAS are timestamp, cred, security, pidfd and inq, separated by commas; they
are drawn in the order in which the kernel writes them. PARTS are msghdr,
iovec, cmsghdr, mmsghdr, ucred and message.

examples:
  fdpass layout
  fdpass layout amd64 386 s390x
  fdpass layout -fds 3 -with cred,pidfd -show message
  fdpass layout -svg arm64 > arm64.svg`,
		setup: func(fs *flag.FlagSet) func([]string) error {
			d := drawer{out: os.Stdout}
			fs.IntVar(&d.fds, "fds", 1, "draw a message with `N` descriptors")
			fs.StringVar(&d.with, "with", "", "what else is in the buffer: a list of `EXTRAS`")
			fs.StringVar(&d.show, "show", "msghdr,iovec,cmsghdr,message", "what to draw: a list of `PARTS`")
			fs.BoolVar(&d.svg, "svg", false, "write an SVG image")
			fs.BoolVar(&d.json, "json", false, "write JSON")
			return d.run
		},
	}
}

func (d *drawer) run(args []string) error {
	if d.svg && d.json {
		return usagef("layout: either -svg or -json")
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
		e := json.NewEncoder(d.out)
		e.SetIndent("", "  ")
		return e.Encode(pictures)
	}
	return draw.Text(d.out, pictures)
}

// lookup finds the architectures that are named, or this machine's.
func lookup(names []string) (archs []abi.Arch, err error) {
	if len(names) == 0 {
		return []abi.Arch{abi.Native()}, nil
	}
	if len(names) == 1 && names[0] == "all" {
		return abi.All, nil
	}
	for _, name := range names {
		a, err := abi.Lookup(name)
		if err != nil {
			return nil, err
		}
		archs = append(archs, a)
	}
	return archs, nil
}

// words splits at commas; nothing is an empty list.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
