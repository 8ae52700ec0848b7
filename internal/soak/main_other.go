//go:build !linux

// Soak is for Linux only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "soak: this program is for Linux only")
	os.Exit(1)
}
