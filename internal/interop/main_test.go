//go:build linux

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

func TestMain(m *testing.M) {
	fdtest.Role(map[string]func(args []string) error{
		"proxy":                      proxy,
		"proxy without a descriptor": proxyWithout,
	})
	status := m.Run()
	if scratch != "" {
		os.RemoveAll(scratch)
	}
	os.Exit(status)
}

// scratch is the directory that holds the command, once it has been built.
var scratch string

// build makes the command from the source beside this package. That it looks at
// each file names it for go test, which otherwise goes by what is imported when
// it shows an earlier result again.
var build = sync.OnceValues(func() (path string, err error) {
	for _, pattern := range []string{"../../cmd/fdpass/*.go", "../*/*.go"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			os.Stat(name)
		}
	}
	if scratch, err = os.MkdirTemp("", "fdpass"); err != nil {
		return "", err
	}
	path = filepath.Join(scratch, "fdpass")
	out, err := exec.Command("go", "build", "-o", path, "example.com/fdpass/cmd/fdpass").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return path, nil
})

// command returns the path of the fdpass command. It may take a while: call it
// before anything that has a deadline.
func command(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
