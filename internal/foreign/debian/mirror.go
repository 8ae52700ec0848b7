package debian

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"example.com/fdpass/internal/lines"
)

// mirror is the archive's address: that from which this machine's own apt takes
// this release, since every suite and architecture of Debian lies beside it.
func mirror(ctx context.Context) (string, error) {
	release, err := codename()
	if err != nil {
		return "", err
	}
	// It fetches nothing; without the lock it needs no privileges either.
	out, err := exec.CommandContext(ctx, "apt-get", "-o", "Debug::NoLocking=1", "--print-uris", "update").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get --print-uris update: %w", err)
	}
	return archive(string(out), release)
}

// archive finds the address in what apt-get prints, whose lines begin like
// 'http://host/debian/dists/bookworm/InRelease'.
func archive(uris, release string) (string, error) {
	for line := range lines.Of(uris) {
		address, ok := strings.CutPrefix(line, "'")
		if before, _, found := strings.Cut(address, "/dists/"+release+"/"); ok && found {
			return before, nil
		}
	}
	return "", fmt.Errorf("this machine's apt has no source for %s", release)
}
