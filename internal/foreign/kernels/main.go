// Kernels runs the tests on real kernels of other architectures, on machines
// that qemu-system emulates. The kernels are Debian's packages; for those
// architectures that have none they are built from Debian's source.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"example.com/fdpass/internal/foreign"
	"example.com/fdpass/internal/foreign/debian"
)

func main() {
	every := flag.Bool("all", os.Getenv("ALL_KERNELS") == "1", "every machine, not one of each word size and byte order")
	only := flag.String("only", "", "just the machines that this regular expression matches")
	capture := flag.Bool("golden", false, "just capture what the kernels write into control buffers, and compare it with the files")
	ask := flag.Bool("options", false, "just ask the kernels, for amd64 if there is no -only, which options they have")
	compile := flag.Bool("build", false, "just build the kernels that Debian has not, where they are not in the cache")
	var w work
	flag.StringVar(&w.pkg, "pkg", "", "just the tests of this package: \"rawmsg\", or \".\" for the one at the top")
	flag.StringVar(&w.only, "run", "", "just the tests that this regular expression matches, as for go test")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *compile:
		err = buildAll(ctx)
	case *capture:
		err = golden(ctx, *every, *only)
	case *ask:
		err = options(ctx, *every, *only)
	default:
		err = run(ctx, *every, *only, w)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

// buildAll builds every kernel of our own.
func buildAll(ctx context.Context) error {
	for _, g := range guests {
		if g.built == "" {
			continue
		}
		file, err := build(ctx, g.built)
		if err != nil {
			return err
		}
		fmt.Println(file)
	}
	return nil
}

// choose picks machines.
func choose(every bool, only string) ([]guest, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(guests), func(g guest) bool {
		if only != "" {
			return !match.MatchString(g.name)
		}
		return !every && !g.usual
	})
	if len(chosen) == 0 {
		return nil, errors.New("no such machine")
	}
	return chosen, nil
}

// run runs the tests on the chosen machines and prints the table.
func run(ctx context.Context, every bool, only string, w work) error {
	chosen, reports, err := bootAll(ctx, every, only, w)
	if err != nil {
		return err
	}
	var rows []foreign.Row
	for i, r := range reports {
		more, err := r.rows(chosen[i].targets)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	foreign.Table(os.Stdout, rows)
	if foreign.Failed(rows) {
		return errors.New("some tests failed")
	}
	fmt.Printf("%d machines, %d targets passed\n", len(chosen), len(rows))
	return nil
}

// needQemu installs what starts the machines. The version of this release's
// backports is wanted: loong64 needs qemu 10.
func needQemu(ctx context.Context, chosen []guest) error {
	var tools []debian.Tool
	for _, g := range chosen {
		tools = append(tools, debian.Tool{Command: g.qemu[0], Package: g.pkg})
	}
	return debian.InstallNewer(ctx, tools...)
}

// bootAll runs the chosen machines, as many at a time as there are processors.
func bootAll(ctx context.Context, every bool, only string, w work) ([]guest, []report, error) {
	chosen, err := choose(every, only)
	if err != nil {
		return nil, nil, err
	}
	if err := needQemu(ctx, chosen); err != nil {
		return nil, nil, err
	}
	reports, errs := make([]report, len(chosen)), make([]error, len(chosen))
	slots := make(chan struct{}, runtime.NumCPU())
	var wg sync.WaitGroup
	for i, g := range chosen {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer wg.Done()
			defer func() { <-slots }()
			if reports[i], errs[i] = boot(ctx, g, w); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", g.name, errs[i])
			}
		}()
	}
	wg.Wait()
	return chosen, reports, errors.Join(errs...)
}
