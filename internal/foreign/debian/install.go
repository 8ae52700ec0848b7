// Package debian gets what the tests on foreign architectures need from
// Debian: programs that it installs on this machine, and kernels of other
// architectures, which it only downloads.
package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/fdpass/internal/lines"
)

// Tool is a program, or any other file, and the package that has it.
type Tool struct{ Command, Package string }

// missing is the packages of those tools that this machine lacks.
func missing(tools []Tool) (packages []string) {
	for _, t := range tools {
		if _, err := exec.LookPath(t.Command); err == nil {
			continue
		}
		if _, err := os.Stat(t.Command); filepath.IsAbs(t.Command) && err == nil {
			continue
		}
		packages = append(packages, t.Package)
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}

// Install installs the packages of the tools that are missing, and says so. It
// does and says nothing where all are there.
func Install(ctx context.Context, tools ...Tool) error {
	packages := missing(tools)
	if len(packages) == 0 {
		return nil
	}
	fmt.Println("installing:", strings.Join(packages, " "))
	return install(ctx, nil, packages)
}

// InstallNewer is like [Install], but takes the packages from this release's
// backports where those have newer ones.
func InstallNewer(ctx context.Context, tools ...Tool) error {
	packages := missing(tools)
	if len(packages) == 0 {
		return nil
	}
	release, err := codename()
	if err != nil {
		return fmt.Errorf("%w: install %s by hand", err, strings.Join(packages, " "))
	}
	// The machine's own list of sources stays as it is.
	a, err := newState(ctx, "install-"+release, []Source{{Suite: release}, {Suite: release + "-backports"}}, "/var/lib/dpkg/status")
	if err != nil {
		return err
	}
	fmt.Printf("installing from %s and its backports: %s\n", release, strings.Join(packages, " "))
	return install(ctx, a.env(), append([]string{"-t", release + "-backports"}, packages...))
}

// installing allows one apt at a time, since several machines may be made ready at once.
var installing sync.Mutex

// install waits for the locks of somebody else's apt, and tries it more than once: a
// server may not answer.
func install(ctx context.Context, env, packages []string) (err error) {
	installing.Lock()
	defer installing.Unlock()
	words := append([]string{"apt-get", "-qq", "-y", "--no-install-recommends",
		"-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120", "install"}, packages...)
	for _, pause := range []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second, 0} {
		err = asRoot(ctx, env, "apt-get", "-qq", "-o", "Acquire::Retries=3", "update")
		if err == nil {
			err = asRoot(ctx, append(env, "DEBIAN_FRONTEND=noninteractive"), words...)
		}
		if err == nil || ctx.Err() != nil {
			break
		}
		time.Sleep(pause)
	}
	return err
}

// asRoot runs a command with more in its environment, and shows what it says if it fails.
func asRoot(ctx context.Context, env []string, words ...string) error {
	if os.Getuid() != 0 {
		words = slices.Concat([]string{"sudo", "-n", "env"}, env, words)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, out)
	}
	return nil
}

// codename is this machine's release of Debian: "bookworm".
func codename() (string, error) {
	b, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	fields := make(map[string]string)
	for line := range lines.Of(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[name] = strings.Trim(value, `"`)
	}
	if fields["ID"] != "debian" || fields["VERSION_CODENAME"] == "" {
		return "", errors.New("this machine runs no release of Debian")
	}
	return fields["VERSION_CODENAME"], nil
}
