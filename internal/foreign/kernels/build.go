package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/fdpass/internal/foreign/debian"
	"example.com/fdpass/internal/lines"
)

// configs are the options on top of the kernel's own tinyconfig.
//
//go:embed config
var configs embed.FS

// compilers are what builds each configuration: the kernel's name of the
// architecture and the prefix of the cross compiler's commands.
var compilers = map[string]struct{ arch, prefix, pkg string }{
	"mips64": {"mips", "mips64-linux-gnuabi64-", "gcc-mips64-linux-gnuabi64"},
	"ppc64":  {"powerpc", "powerpc64-linux-gnu-", "gcc-powerpc64-linux-gnu"},
}

// buildBound is how long one kernel may take; six to nine minutes are usual on
// two processors.
const buildBound = 40 * time.Minute

// building allows one kernel at a time: each uses every processor.
var building sync.Mutex

// build gets a kernel of our own from the cache, or builds it.
func build(ctx context.Context, name string) (string, error) {
	building.Lock()
	defer building.Unlock()
	ctx, cancel := context.WithTimeout(ctx, buildBound)
	defer cancel()
	source, err := debian.Download(ctx, debian.Source{Suite: "bookworm", Arch: "amd64"}, `linux-source-6\.1`)
	if err != nil {
		return "", err
	}
	config, err := fragment(name)
	if err != nil {
		return "", err
	}
	cache, err := debian.CacheDir()
	if err != nil {
		return "", err
	}
	// Whatever changes the kernel changes its name.
	key := sha256.Sum256(append([]byte(filepath.Base(source)+"\n"), config...))
	file := filepath.Join(cache, "built", fmt.Sprintf("%s-%x", name, key[:6]), "vmlinux")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	fmt.Printf("building the kernel %s, which takes some minutes\n", name)
	start := time.Now()
	if err := makeKernel(ctx, name, source, config, file); err != nil {
		return "", err
	}
	fmt.Printf("built the kernel %s in %.0f s\n", name, time.Since(start).Seconds())
	return file, nil
}

// fragment is the options of a configuration.
func fragment(name string) ([]byte, error) {
	common, err := configs.ReadFile("config/common.config")
	if err != nil {
		return nil, err
	}
	own, err := configs.ReadFile("config/" + name + ".config")
	return slices.Concat(common, own), err
}

// makeKernel unpacks the source beside the result, builds there, and removes
// all but the result.
func makeKernel(ctx context.Context, name, source string, config []byte, file string) error {
	c := compilers[name]
	if err := debian.Install(ctx,
		debian.Tool{Command: c.prefix + "gcc", Package: c.pkg},
		debian.Tool{Command: "gcc", Package: "gcc"}, debian.Tool{Command: "/usr/include/stdio.h", Package: "libc6-dev"},
		debian.Tool{Command: "make", Package: "make"},
		debian.Tool{Command: "flex", Package: "flex"}, debian.Tool{Command: "bison", Package: "bison"},
		debian.Tool{Command: "bc", Package: "bc"}, debian.Tool{Command: "perl", Package: "perl"},
		debian.Tool{Command: "xz", Package: "xz-utils"},
	); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tree, err := os.MkdirTemp(filepath.Dir(file), "tree-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	if err := command(ctx, "", "tar", "-xf", filepath.Join(source, "usr/src/linux-source-6.1.tar.xz"), "-C", tree, "--strip-components=1"); err != nil {
		return err
	}
	with := []string{"make", "-s", fmt.Sprintf("-j%d", runtime.NumCPU()), "ARCH=" + c.arch, "CROSS_COMPILE=" + c.prefix}
	if err := configure(ctx, tree, with, config); err != nil {
		return err
	}
	if err := command(ctx, tree, append(with, "vmlinux")...); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tree, "vmlinux"), file)
}

// configure makes the configuration and checks that every option of ours is in
// it: what depends on something else that lacks would be dropped silently.
func configure(ctx context.Context, tree string, with []string, config []byte) error {
	if err := command(ctx, tree, append(with, "tinyconfig")...); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(tree, ".config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(config)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := command(ctx, tree, append(with, "olddefconfig")...); err != nil {
		return err
	}
	got, err := os.ReadFile(filepath.Join(tree, ".config"))
	if err != nil {
		return err
	}
	for option := range lines.Of(string(config)) {
		if strings.HasPrefix(option, "CONFIG_") && !bytes.Contains(got, []byte("\n"+option)) {
			return fmt.Errorf("the kernel's configuration lacks %s", option)
		}
	}
	return nil
}

// command runs a program at a low priority and shows what it says if it fails.
func command(ctx context.Context, dir string, words ...string) error {
	cmd := exec.CommandContext(ctx, "nice", words...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", words[0], err, out[max(0, len(out)-4000):])
	}
	return nil
}
