package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// bound is how long a machine may run, on a busy computer, too. Starting alone
// takes 10 to 30 seconds.
const bound = 25 * time.Minute

// attempts is how often a machine is started whose emulation is known to fail
// now and then, and did.
const attempts = 4

// boot starts g and returns what its console said.
func boot(ctx context.Context, g guest, w work) (report, error) {
	dir, err := os.MkdirTemp("", "kernels-")
	if err != nil {
		return report{}, err
	}
	defer os.RemoveAll(dir)
	k, err := kernel(ctx, g, dir)
	if err != nil {
		return report{}, err
	}
	initrd, err := initramfs(ctx, g, dir, w)
	if err != nil {
		return report{}, err
	}
	for i := 1; ; i++ {
		begin := time.Now()
		console := start(ctx, g, k, initrd)
		flaw := known(console)
		if flaw == "" || i == attempts {
			r := parse(console)
			fmt.Printf("%s: Linux %s, %.0f s from start to power-off%s\n", g.name, r.kernel, time.Since(begin).Seconds(), r.times())
			r.explain(g.name, console)
			return r, nil
		}
		fmt.Printf("%s: known flaw of the emulation, %q: started again (%d of %d)\n", g.name, flaw, i+1, attempts)
	}
}

// known finds a flaw's text on a console.
func known(console string) string {
	for _, flaw := range flaws {
		if strings.Contains(console, flaw) {
			return flaw
		}
	}
	return ""
}

// start runs the machine to its end, or to the bound's. Qemu's exit status
// says nothing of the tests; that it did not start at all is on the console.
func start(ctx context.Context, g guest, kernel, initrd string) (console string) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	words := slices.Concat(g.qemu, accelerated(ctx, g, kernel), []string{
		"-m", fmt.Sprint(max(g.memory, 512)), "-nographic", "-no-reboot", "-monitor", "none",
		"-kernel", kernel, "-initrd", initrd,
		// A crash ends the machine, an oops too; warnings stay out of the tests' output.
		"-append", "console=" + g.console + " panic=-1 oops=panic quiet loglevel=2",
	})
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	out, err := cmd.CombinedOutput()
	console = string(out)
	if ctx.Err() != nil {
		console += fmt.Sprintf("\nstopped after %v\n", bound)
	} else if err != nil {
		console += fmt.Sprintf("\n%s: %v\n", words[0], err)
	}
	return console
}
