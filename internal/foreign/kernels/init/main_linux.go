// Init is the first and only program of the machines that qemu-system
// emulates: it runs the tests that /plan lists, one after another, says on the
// console what became of them, and powers the machine off.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/fdpass/internal/lines"
)

// bound is how long the tests of one package may take.
const bound = 12 * time.Minute

func main() {
	if err := run(); err != nil {
		fmt.Println("\n@@broken\t" + err.Error())
	}
	syscall.Sync()
	err := syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Println("\n@@broken\tpower-off: ", err)
	select {}
}

func run() error {
	if err := prepare(); err != nil {
		return err
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	fmt.Printf("\n@@kernel\t%s\n", bytes.TrimSpace(release))
	plan, err := os.ReadFile("/plan")
	if err != nil {
		return err
	}
	follow(string(plan))
	fmt.Println("\n@@done")
	return nil
}

// follow runs what the plan lists: lines with fields set apart by tabs.
func follow(plan string) {
	env := []string{"PATH=/bin", "HOME=/tmp", "TMPDIR=/tmp"}
	short, only := "", ""
	for line := range lines.Of(plan) {
		switch f := strings.Split(strings.TrimRight(line, "\n"), "\t"); f[0] {
		case "clock":
			setClock(f[1])
		case "short":
			short = f[1]
		case "env":
			env = append(env, f[1])
		case "only":
			only = f[1]
		case "run":
			tests(env, []string{"-test.short=" + short, "-test.run=" + only, "-test.skip=" + f[5]}, f[1], f[2], f[3], f[4])
		}
	}
}

// prepare makes the file systems and the network that programs expect.
func prepare() error {
	for _, m := range []struct{ kind, dir string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"},
	} {
		// A kernel may have mounted /dev by itself.
		if err := syscall.Mount(m.kind, m.dir, m.kind, 0, ""); err != nil && !errors.Is(err, syscall.EBUSY) {
			return fmt.Errorf("mount %s: %w", m.dir, err)
		}
	}
	return loopback()
}

// setClock sets the time where the machine has no clock of its own, or the
// kernel no driver for it built in, and it is still 1970.
func setClock(seconds string) {
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || time.Now().Unix() >= s {
		return
	}
	tv := syscall.NsecToTimeval(s * 1e9)
	if err := syscall.Settimeofday(&tv); err != nil {
		fmt.Println("set the clock:", err)
	}
}

// tests runs one package's tests.
func tests(env, args []string, target, pkg, program, dir string) {
	fmt.Printf("\n@@begin\t%s\t%s\n", target, pkg)
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), bound+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(args, "-test.v", "-test.timeout="+bound.String())...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	verdict := "ok"
	if err := cmd.Run(); err != nil {
		verdict = err.Error()
	}
	fmt.Printf("\n@@end\t%s\t%s\t%d\t%s\n", target, pkg, time.Since(start).Milliseconds(), verdict)
}
