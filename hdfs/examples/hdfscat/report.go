package main

import (
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"

	"example.com/fdpass/hdfs"
)

// report says which of a file's bytes came how.
func report(file string, n int64, before, after shortcircuit.Stats) {
	local := after.ShortCircuitBytes - before.ShortCircuitBytes
	tcp := after.TCPBytes - before.TCPBytes
	fmt.Fprintf(os.Stderr, "%s: %d bytes: %d short-circuit, %d by TCP from this machine, %d from others\n",
		file, n, local, tcp, max(0, n-local-tcp))
	for _, reason := range slices.Sorted(maps.Keys(after.Fallbacks)) {
		if k := after.Fallbacks[reason] - before.Fallbacks[reason]; k > 0 {
			fmt.Fprintf(os.Stderr, "%s: blocks by TCP because of %q: %d\n", file, reason, k)
		}
	}
}

// processUser returns the name of the user of this process, or its number.
func processUser() string {
	u, err := user.Current()
	if err != nil {
		return fmt.Sprint(os.Getuid())
	}
	return u.Username
}
