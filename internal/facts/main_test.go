//go:build linux

package facts

import (
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// roles are what this test binary does as a second process.
var roles = map[string]func(args []string) error{
	"too many in flight": asNobody(tooManyInFlight),
	"forge credentials":  asNobody(forgeCredentials),
	"connect":            connectTo,
	"send nothing":       func([]string) error { return fdpass.SendFDs(3) },
}

func TestMain(m *testing.M) { fdtest.Main(m, roles) }
