//go:build !linux

// Soak is for Linux alone.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "soak: descriptors can be passed on Linux alone")
	os.Exit(1)
}
