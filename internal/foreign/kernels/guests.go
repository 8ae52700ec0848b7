package main

import "example.com/fdpass/internal/foreign/debian"

// guest is a machine that qemu-system emulates, and the kernel on it.
type guest struct {
	name    string
	targets []string // what it runs, by names of [foreign.Target]; /init is built for the first

	packages []string // whose tests it runs; none means all
	short    bool     // its tests run with -short, without those that run others a second time

	// A Debian package, or a kernel of our own whose configuration has this name.
	source  debian.Source
	pattern string // of the package's name; the newest is taken
	built   string

	qemu    []string // the program and what it needs to be this machine
	pkg     string   // the Debian package that has the program
	memory  int      // MiB, 512 if it says nothing; half of it holds the tests of all targets
	console string   // where the kernel puts /dev/console, and what else it must be told

	usual bool // runs without ALL_KERNELS, too: each word size and byte order, and each Linux for amd64
}

// guests is every machine, of the usual ones the longest first. The kernels are of
// different ages on purpose: 5.10 and 6.1 know nothing of pidfds, 6.12 nothing of
// SO_PASSRIGHTS, 6.16 nothing of SO_INQ. Debian's mirrors have nothing older than
// bullseye's 5.10, and for s390x nothing older than bookworm's 6.1.
//
// With nohz=off and highres=off an emulated Malta board does not stall.
var guests = []guest{
	{
		name: "mips64", targets: []string{"mips64", "mips"}, usual: true,
		built: "mips64",
		qemu:  []string{"qemu-system-mips64", "-M", "malta", "-cpu", "5KEc"}, pkg: "qemu-system-mips", console: "ttyS0 nohz=off highres=off",
		memory: 1024,
	},
	amd64("amd64", "forky", `linux-binary-[0-9].*-cloud-amd64`, newestMatters, "amd64", "386"),
	amd64("amd64-6.16", "trixie-backports", `linux-image-6\.16\..*-cloud-amd64`, kernelMatters, "amd64"),
	amd64("amd64-6.12", "bookworm-backports", `linux-image-6\.12\..*-cloud-amd64`, kernelMatters, "amd64"),
	amd64("amd64-6.1", "bookworm", `linux-image-6\.1\..*-[0-9]+-cloud-amd64`, kernelMatters, "amd64"),
	amd64("amd64-5.10", "bullseye", `linux-image-5\.10\..*-[0-9]+-cloud-amd64`, kernelMatters, "amd64"),
	{
		name: "s390x", targets: []string{"s390x"}, packages: slowMatters, short: true, usual: true,
		source: debian.Source{Suite: "forky", Arch: "s390x"}, pattern: `linux-binary-[0-9].*-s390x`,
		// With two processors a traced Go program dies now and then: "bad g in
		// signal handler".
		qemu: []string{"qemu-system-s390x", "-M", "s390-ccw-virtio"}, pkg: "qemu-system-misc", console: "ttyS0",
	},
	{
		// The longest: Linux 6.12 and later take five times as long as 6.1 on this
		// emulated machine. But they have more to show.
		name: "arm-new", targets: []string{"arm GOARM=7"},
		source: debian.Source{Suite: "forky", Arch: "armhf"}, pattern: `linux-binary-[0-9].*-armmp-lpae`,
		qemu: []string{"qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15"}, pkg: "qemu-system-arm", console: "ttyAMA0",
	},
	{
		name: "arm", targets: []string{"arm GOARM=7", "arm GOARM=5", "arm GOARM=6"},
		source: debian.Source{Suite: "bookworm", Arch: "armhf"}, pattern: `linux-image-6\.1\..*-[0-9]+-armmp-lpae`,
		qemu: []string{"qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15"}, pkg: "qemu-system-arm", console: "ttyAMA0",
		memory: 1024,
	},
	{
		name: "386", targets: []string{"386"},
		source: debian.Source{Suite: "bookworm", Arch: "i386"}, pattern: `linux-image-6\.1\..*-[0-9]+-686-pae`,
		qemu: []string{"qemu-system-i386", "-cpu", "max"}, pkg: "qemu-system-x86", console: "ttyS0",
	},
	{
		name: "arm64", targets: []string{"arm64", "arm GOARM=7"},
		source: debian.Source{Suite: "bookworm-backports", Arch: "arm64"}, pattern: `linux-image-6\.12\..*-cloud-arm64`,
		// A Cortex-A57 takes more than twice as long.
		qemu: []string{"qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on"}, pkg: "qemu-system-arm", console: "ttyAMA0",
	},
	{
		name: "arm64-5.10", targets: []string{"arm64"}, packages: kernelMatters, short: true,
		source: debian.Source{Suite: "bullseye", Arch: "arm64"}, pattern: `linux-image-5\.10\..*-[0-9]+-cloud-arm64`,
		// Linux 5.10 does not start on the newest processor that qemu has.
		qemu: []string{"qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57"}, pkg: "qemu-system-arm", console: "ttyAMA0",
	},
	{
		// Of bullseye, the mirrors do not have s390x any more.
		name: "s390x-6.1", targets: []string{"s390x"}, packages: kernelMatters, short: true,
		source: debian.Source{Suite: "bookworm", Arch: "s390x"}, pattern: `linux-image-6\.1\..*-[0-9]+-s390x`,
		qemu: []string{"qemu-system-s390x", "-M", "s390-ccw-virtio"}, pkg: "qemu-system-misc", console: "ttyS0",
	},
	{
		name: "loong64", targets: []string{"loong64"},
		source: debian.Source{Suite: "forky", Arch: "loong64"}, pattern: `linux-binary-[0-9].*-loong64`,
		qemu: []string{"qemu-system-loongarch64", "-M", "virt", "-cpu", "la464"}, pkg: "qemu-system-misc",
		console: "ttyS0,115200 initcall_blacklist=i8042_init",
	},
	{
		name: "mips64le", targets: []string{"mips64le", "mipsle"},
		source: debian.Source{Suite: "bookworm", Arch: "mips64el"}, pattern: `linux-image-6\.1\..*-[0-9]+-5kc-malta`,
		qemu: []string{"qemu-system-mips64el", "-M", "malta", "-cpu", "5KEc"}, pkg: "qemu-system-mips", console: "ttyS0 nohz=off highres=off",
	},
	{
		name: "ppc64", targets: []string{"ppc64"},
		built: "ppc64",
		qemu:  []string{"qemu-system-ppc64", "-M", "pseries,x-vof=on", "-cpu", "power9"}, pkg: "qemu-system-ppc", console: "hvc0",
	},
	{
		name: "ppc64le", targets: []string{"ppc64le"},
		source: debian.Source{Suite: "bookworm", Arch: "ppc64el"}, pattern: `linux-image-6\.1\..*-[0-9]+-powerpc64le`,
		qemu: []string{"qemu-system-ppc64le", "-M", "pseries,x-vof=on", "-cpu", "power9"}, pkg: "qemu-system-ppc", console: "hvc0",
	},
	{
		name: "riscv64", targets: []string{"riscv64"},
		source: debian.Source{Suite: "forky", Arch: "riscv64"}, pattern: `linux-binary-[0-9].*-riscv64`,
		qemu: []string{"qemu-system-riscv64", "-M", "virt"}, pkg: "qemu-system-misc", console: "ttyS0",
	},
}

// amd64 is a PC with a kernel of a suite. This machine's own processor runs it
// where it can; see accelerated. The tests have all been run on this machine's own
// kernel before.
func amd64(name, suite, pattern string, packages []string, targets ...string) guest {
	return guest{
		name: name, targets: targets, packages: packages, short: true, usual: true,
		source: debian.Source{Suite: suite, Arch: "amd64"}, pattern: pattern,
		qemu: []string{"qemu-system-x86_64", "-cpu", "max"}, pkg: "qemu-system-x86", console: "ttyS0",
	}
}

// kernelMatters are the packages whose tests ask the kernel for something. An
// older Linux runs only these: what the others compute is the same on each.
var kernelMatters = []string{".", "rawmsg", "internal/facts"}

// newestMatters are those and what uses more of the kernel.
var newestMatters = []string{".", "rawmsg", "cmd/fdpass", "internal/facts", "internal/golden", "internal/ptrace"}

// slowMatters are those of a machine that is too slow for all.
var slowMatters = []string{".", "rawmsg", "internal/cmsg", "internal/facts", "internal/golden"}

// flaws are what emulation is known to do to a program now and then, each by
// the text that it leaves on the console. A guest that shows one is started
// again, and that is shown.
var flaws = []string{
	// qemu-system-loongarch64, about one start of a Go program in twenty.
	"fatal error: float64nan",
}
