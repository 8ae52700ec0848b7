// Package foreign builds the tests for other architectures and reads what they
// say there. The programs that run them, under qemu-user and on kernels under
// qemu-system, share it.
package foreign

import (
	"fmt"
	"strings"

	"example.com/fdpass/internal/abi"
)

// Target is one way to build the tests: an architecture, and the variable that
// makes a variant of it.
type Target struct {
	Arch    abi.Arch
	Variant string // "GOARM=5", or empty for the architecture as Go builds it by default
	User    string // qemu-user's name for it: "aarch64"
}

// String is the target in a word: "arm64", "arm GOARM=5".
func (t Target) String() string {
	return strings.TrimSpace(t.Arch.Name + " " + t.Variant)
}

// Env is what the go command needs in its environment to build for t.
func (t Target) Env() []string {
	env := []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + t.Arch.Name}
	if t.Variant != "" {
		env = append(env, t.Variant)
	}
	return env
}

// variants are those that change how code is generated.
var variants = map[string][]string{
	"386":      {"", "GO386=softfloat"},
	"arm":      {"GOARM=5", "GOARM=6", "GOARM=7"},
	"mips":     {"", "GOMIPS=softfloat"},
	"mipsle":   {"", "GOMIPS=softfloat"},
	"mips64":   {"", "GOMIPS64=softfloat"},
	"mips64le": {"", "GOMIPS64=softfloat"},
}

// userNames are qemu-user's names where they are not Go's.
var userNames = map[string]string{
	"386":      "i386",
	"amd64":    "x86_64",
	"arm64":    "aarch64",
	"loong64":  "loongarch64",
	"mips64le": "mips64el",
	"mipsle":   "mipsel",
}

// Targets is every architecture that Go has on Linux, with its variants.
func Targets() (all []Target) {
	for _, a := range abi.All {
		user, ok := userNames[a.Name]
		if !ok {
			user = a.Name
		}
		vs, ok := variants[a.Name]
		if !ok {
			vs = []string{""}
		}
		for _, v := range vs {
			all = append(all, Target{a, v, user})
		}
	}
	return all
}

// Lookup finds a target by what [Target.String] calls it.
func Lookup(name string) (Target, error) {
	for _, t := range Targets() {
		if t.String() == name {
			return t, nil
		}
	}
	return Target{}, fmt.Errorf("no target %q", name)
}
