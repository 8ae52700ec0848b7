package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"
)

// accelerated is what makes qemu run a PC on this machine's own processor, where
// that is one of its kind and KVM works.
func accelerated(ctx context.Context, g guest, kernel string) []string {
	if g.qemu[0] != "qemu-system-x86_64" || runtime.GOARCH != "amd64" {
		return nil
	}
	kvm.once.Do(func() { kvm.works = kvmWorks(ctx, g, kernel) })
	if !kvm.works {
		return nil
	}
	return []string{"-accel", "kvm"}
}

// kvm is found out once.
var kvm struct {
	once  sync.Once
	works bool
}

// kvmWorks starts a kernel with nothing to run, which ends at once, in a panic. In
// a virtual machine /dev/kvm may be there, and no kernel get far on it.
func kvmWorks(ctx context.Context, g guest, kernel string) bool {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		fmt.Println("without KVM:", err)
		return false
	}
	f.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	words := slices.Concat(g.qemu, []string{"-accel", "kvm", "-m", "512", "-display", "none", "-no-reboot",
		"-kernel", kernel, "-append", "panic=-1"})
	if err := exec.CommandContext(ctx, words[0], words[1:]...).Run(); err != nil {
		fmt.Println("without KVM: /dev/kvm is there, but no kernel starts on it:", err)
		return false
	}
	fmt.Println("with KVM")
	return true
}
