//go:build linux

package fdpass_test

import (
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// roles are what this test binary does as a second process. Each file adds its
// own in an init function.
var roles = map[string]func(args []string) error{}

func TestMain(m *testing.M) { fdtest.Main(m, roles) }
