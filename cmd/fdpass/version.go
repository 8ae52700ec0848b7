package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version writes the module's version, the Go that built this and what for.
func version(w io.Writer) error {
	v := "(devel)" // built in a checkout
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	_, err := fmt.Fprintf(w, "fdpass %s, %s %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
