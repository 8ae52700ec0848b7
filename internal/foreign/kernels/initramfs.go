package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"example.com/fdpass/internal/foreign"
)

// work is what a guest is to do. The zero value is every test.
type work struct {
	pkg  string // just the tests of this package
	only string // and just those whose names this regular expression matches
	env  string // a variable in the tests' environment, "NAME=value"
}

// packages are those whose tests g runs, or none for all.
func (w work) packages(g guest) []string {
	if w.pkg != "" {
		return []string{w.pkg}
	}
	return g.packages
}

// initramfs builds the tests and /init for a guest and packs them into a file
// in dir.
func initramfs(ctx context.Context, g guest, dir string, w work) (file string, err error) {
	file = filepath.Join(dir, "initramfs")
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	a := newArchive(f)
	for _, d := range []string{"dev", "proc", "sys", "tmp", "src", "bin", "etc"} {
		a.dir(d)
	}
	a.console("dev/console")
	plan, err := pack(ctx, a, g, dir, w.packages(g))
	if err != nil {
		return "", err
	}
	begin := fmt.Sprintf("clock\t%d\nshort\t%t\nenv\t%s\nonly\t%s\n", time.Now().Unix(), g.short, w.env, w.only)
	a.file("plan", []byte(begin+plan))
	return file, a.close()
}

// pack puts /init and the tests of every target into the archive, or those of
// one package. It returns the plan that /init goes by: a line for each
// package's tests.
func pack(ctx context.Context, a *archive, g guest, dir string, only []string) (plan string, err error) {
	made := make(map[string]bool)
	for i, name := range g.targets {
		t, err := foreign.Lookup(name)
		if err != nil {
			return "", err
		}
		if i == 0 {
			program := filepath.Join(dir, "init")
			if err := foreign.Compile(ctx, t, "./internal/foreign/kernels/init", program); err != nil {
				return "", err
			}
			if err := addFile(a, "init", program); err != nil {
				return "", err
			}
		}
		binaries, err := foreign.Build(ctx, t, dir, only...)
		if err != nil {
			return "", err
		}
		for _, b := range binaries {
			source := path.Join("src", b.Package)
			if err := addData(a, made, source, b.Source); err != nil {
				return "", err
			}
			// The same name as go test gives it, unlike any other's.
			program := fmt.Sprintf("bin/%d-%s", i, filepath.Base(b.File))
			if err := addFile(a, program, b.File); err != nil {
				return "", err
			}
			plan += strings.Join([]string{"run", name, b.Package, "/" + program, "/" + source, b.Leave}, "\t") + "\n"
		}
	}
	return plan, nil
}

// addData adds a package's directory, with nothing but its testdata.
func addData(a *archive, made map[string]bool, name, dir string) error {
	if made[name+"/testdata"] {
		return nil
	}
	made[name+"/testdata"] = true
	parents(a, made, name)
	root := filepath.Join(dir, "testdata")
	if _, err := os.Stat(root); os.IsNotExist(err) {
		return nil
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		in := path.Join(name, filepath.ToSlash(rel))
		if d.IsDir() {
			a.dir(in)
			return nil
		}
		return addFile(a, in, p)
	})
}

// parents adds a directory and those above it, each once.
func parents(a *archive, made map[string]bool, name string) {
	if name == "." || made[name] {
		return
	}
	made[name] = true
	parents(a, made, path.Dir(name))
	a.dir(name)
}

func addFile(a *archive, name, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	a.file(name, b)
	return nil
}
