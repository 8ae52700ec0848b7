package debian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// keyring is what the signatures of all sources are checked with.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Source is one suite of the archive, for one architecture.
type Source struct {
	Suite string // "bookworm"
	Arch  string // Debian's name of the architecture, or empty for this machine's own
}

// state is a configuration of apt apart from the machine's own: its own
// sources and its own folders below the cache.
type state struct{ dir string }

// CacheDir is where downloads and what is built from them are kept, outside
// the repository: $XDG_CACHE_HOME/fdpass, or ~/.cache/fdpass.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "fdpass")
	return dir, os.MkdirAll(dir, 0o755)
}

// newState writes the configuration. Status is the file of installed packages.
func newState(ctx context.Context, name string, sources []Source, status string) (state, error) {
	cache, err := CacheDir()
	if err != nil {
		return state{}, err
	}
	archive, err := mirror(ctx)
	if err != nil {
		return state{}, err
	}
	if _, err := os.Stat(keyring); err != nil {
		return state{}, fmt.Errorf("apt's signatures need the package debian-archive-keyring: %w", err)
	}
	s := state{filepath.Join(cache, "apt", name)}
	for _, dir := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			return state{}, err
		}
	}
	arch := ""
	var list strings.Builder
	for _, src := range sources {
		options := "signed-by=" + keyring
		if src.Arch != "" {
			options = "arch=" + src.Arch + " " + options
			arch = fmt.Sprintf("APT::Architecture %q;\nAPT::Architectures { %q; };\n", src.Arch, src.Arch)
		}
		fmt.Fprintf(&list, "deb [%s] %s %s main\n", options, archive, src.Suite)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "sources.list"), []byte(list.String()), 0o644); err != nil {
		return state{}, err
	}
	return s, os.WriteFile(filepath.Join(s.dir, "apt.conf"), []byte(s.conf(status)+arch), 0o644)
}

func (s state) conf(status string) string {
	return fmt.Sprintf(`Dir::State::Lists "%[1]s/lists";
Dir::State::status "%[2]s";
Dir::Cache "%[1]s/cache";
Dir::Etc::SourceList "%[1]s/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "";
`, s.dir, status)
}

func (s state) env() []string {
	return []string{"APT_CONFIG=" + filepath.Join(s.dir, "apt.conf")}
}

func (s state) run(ctx context.Context, dir string, words ...string) (string, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), s.env()...)
	cmd.Dir = dir
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, complaint.String())
	}
	return string(out), nil
}

// Download gets the newest package of src whose whole name matches pattern,
// its signature checked by apt, and unpacks it. It returns the directory that
// the package is unpacked in, named after the package and its version, which a
// later call returns without downloading.
func Download(ctx context.Context, src Source, pattern string) (dir string, err error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	s, err := newState(ctx, src.Suite+"-"+src.Arch, []Source{src}, "/dev/null")
	if err != nil {
		return "", err
	}
	if err := s.update(ctx); err != nil {
		return "", err
	}
	name, err := s.newest(ctx, pattern)
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w", src.Arch, src.Suite, err)
	}
	// It prints where the file is, what it is called, how long it is and its hash.
	out, err := s.run(ctx, "", "apt-get", "-qq", "--print-uris", "download", name)
	if err != nil {
		return "", err
	}
	f := strings.Fields(out)
	if len(f) < 2 {
		return "", fmt.Errorf("apt-get --print-uris says %q", out)
	}
	dir = filepath.Join(cache, "packages", strings.TrimSuffix(f[1], ".deb"))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fmt.Printf("downloading %s from %s\n", f[1], src.Suite)
	return dir, s.unpack(ctx, name, dir)
}

// update fetches the lists of packages, once a day.
func (s state) update(ctx context.Context) error {
	stamp := filepath.Join(s.dir, "updated")
	if info, err := os.Stat(stamp); err == nil && time.Since(info.ModTime()) < 24*time.Hour {
		return nil
	}
	if _, err := s.run(ctx, "", "apt-get", "-qq", "update"); err != nil {
		return err
	}
	return os.WriteFile(stamp, nil, 0o644)
}

// newest finds the package with the highest version in its name.
func (s state) newest(ctx context.Context, pattern string) (string, error) {
	out, err := s.run(ctx, "", "apt-cache", "pkgnames")
	if err != nil {
		return "", err
	}
	whole, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return "", err
	}
	newest := ""
	for _, name := range strings.Fields(out) {
		if whole.MatchString(name) && (newest == "" || isNewer(ctx, name, newest)) {
			newest = name
		}
	}
	if newest == "" {
		return "", fmt.Errorf("no package is named %s", pattern)
	}
	return newest, nil
}

// isNewer compares names as dpkg compares versions, which orders the numbers
// in them by value.
func isNewer(ctx context.Context, a, b string) bool {
	return exec.CommandContext(ctx, "dpkg", "--compare-versions", "0"+a, "gt", "0"+b).Run() == nil
}

// unpack downloads a package and unpacks it into dir, which is there only if
// all went well.
func (s state) unpack(ctx context.Context, name, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if _, err := s.run(ctx, tmp, "apt-get", "-qq", "download", name); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download %s: %d files, want one", name, len(debs))
	}
	root := filepath.Join(tmp, "root")
	if _, err := s.run(ctx, tmp, "dpkg-deb", "-x", debs[0], root); err != nil {
		return err
	}
	return os.Rename(root, dir)
}
