// Package abi is what Linux's architectures decide about messages: the word
// size and byte order, the numbers that are not the same everywhere, and the
// structs, laid out by C's rules rather than by a compiler for the machine.
//
// One table serves the drawings of fdpass layout, the explanations of fdpass
// decode and the tests, for every architecture that Go has on Linux, on
// whatever machine it is asked.
package abi

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"example.com/fdpass/internal/cmsg"
)

// Arch is one architecture as Go names it.
type Arch struct {
	Name string // GOARCH
	cmsg.Layout
	Sockopts
}

// Sockopts are the numbers of socket(7) that are not the same everywhere:
// include/uapi/asm-generic/socket.h, and arch/{mips,powerpc}/include/uapi/asm.
type Sockopts struct {
	SOLSocket int // SOL_SOCKET, the level of every control message on a Unix socket
	Type      int // SO_TYPE
	Protocol  int // SO_PROTOCOL
	Domain    int // SO_DOMAIN
	PassCred  int // SO_PASSCRED
	PeerCred  int // SO_PEERCRED
	PeerSec   int // SO_PEERSEC
	RcvTimeo  int // SO_RCVTIMEO, SO_RCVTIMEO_OLD since Linux 5.1
	SndTimeo  int // SO_SNDTIMEO, SO_SNDTIMEO_OLD since Linux 5.1
}

// These are the same everywhere, being newer than the architectures' own
// lists: include/uapi/asm-generic/socket.h.
const (
	SO_PASSSEC   = 34
	SO_PEEK_OFF  = 42
	SO_PASSPIDFD = 76
)

var (
	generic = Sockopts{SOLSocket: 1, Type: 3, Protocol: 38, Domain: 39, PassCred: 16, PeerCred: 17,
		PeerSec: 31, RcvTimeo: 20, SndTimeo: 21}
	powerpc = Sockopts{SOLSocket: 1, Type: 3, Protocol: 38, Domain: 39, PassCred: 20, PeerCred: 21,
		PeerSec: 31, RcvTimeo: 18, SndTimeo: 19}
	mips = Sockopts{SOLSocket: 0xffff, Type: 0x1008, Protocol: 0x1028, Domain: 0x1029, PassCred: 17,
		PeerCred: 18, PeerSec: 30, RcvTimeo: 0x1006, SndTimeo: 0x1005}
)

var (
	little32 = cmsg.Layout{Word: 4}
	little64 = cmsg.Layout{Word: 8}
	big32    = cmsg.Layout{Word: 4, Big: true}
	big64    = cmsg.Layout{Word: 8, Big: true}
)

// All is every architecture that Go has on Linux, in the order of their names.
var All = []Arch{
	{"386", little32, generic},
	{"amd64", little64, generic},
	{"arm", little32, generic},
	{"arm64", little64, generic},
	{"loong64", little64, generic},
	{"mips", big32, mips},
	{"mips64", big64, mips},
	{"mips64le", little64, mips},
	{"mipsle", little32, mips},
	{"ppc64", big64, powerpc},
	{"ppc64le", little64, powerpc},
	{"riscv64", little64, generic},
	{"s390x", big64, generic},
}

// aliases are other names of architectures: what uname -m prints, and what
// Debian and GNU's compilers call them. A 64-bit MIPS machine of either byte
// order calls itself mips64, so that name stays Go's.
var aliases = map[string]string{
	"i386": "386", "i486": "386", "i586": "386", "i686": "386", "x86": "386",
	"x86_64": "amd64", "x86-64": "amd64",
	"armv5tel": "arm", "armv6l": "arm", "armv7l": "arm", "armv8l": "arm", "armel": "arm", "armhf": "arm",
	"aarch64":     "arm64",
	"loongarch64": "loong64",
	"mips64el":    "mips64le", "mipsel": "mipsle",
	"powerpc64": "ppc64", "powerpc64le": "ppc64le", "ppc64el": "ppc64le",
}

// Names returns the names that Lookup knows for the architecture: its GOARCH
// first, then the others in alphabetical order.
func (a Arch) Names() []string {
	var others []string
	for alias, name := range aliases {
		if name == a.Name {
			others = append(others, alias)
		}
	}
	slices.Sort(others)
	return append([]string{a.Name}, others...)
}

// Lookup finds an architecture by its GOARCH, or by the name that uname -m,
// Debian or GNU's compilers have for it. The error lists the GOARCHs.
func Lookup(name string) (Arch, error) {
	names := make([]string, len(All))
	for i, a := range All {
		if a.Name == name || a.Name == aliases[name] {
			return a, nil
		}
		names[i] = a.Name
	}
	return Arch{}, fmt.Errorf("unknown architecture %q; known: %s", name, strings.Join(names, ", "))
}

// Native returns the architecture of the machine that this runs on. Where Linux
// does not run on it, its numbers are those that most architectures share.
func Native() Arch {
	if a, err := Lookup(runtime.GOARCH); err == nil {
		return a
	}
	return Arch{runtime.GOARCH, cmsg.Native, generic}
}

// Kind returns a's word size and byte order in words: "64-bit little-endian".
func (a Arch) Kind() string {
	order := "little-endian"
	if a.Big {
		order = "big-endian"
	}
	return fmt.Sprintf("%d-bit %s", 8*a.Word, order)
}
