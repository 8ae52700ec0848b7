package abi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// compilers are the C compilers that Debian has for each architecture.
var compilers = map[string]string{
	"386":      "i686-linux-gnu-gcc",
	"amd64":    "x86_64-linux-gnu-gcc",
	"arm":      "arm-linux-gnueabihf-gcc",
	"arm64":    "aarch64-linux-gnu-gcc",
	"loong64":  "loongarch64-linux-gnu-gcc",
	"mips":     "mips-linux-gnu-gcc",
	"mips64":   "mips64-linux-gnuabi64-gcc",
	"mips64le": "mips64el-linux-gnuabi64-gcc",
	"mipsle":   "mipsel-linux-gnu-gcc",
	"ppc64":    "powerpc64-linux-gnu-gcc",
	"ppc64le":  "powerpc64le-linux-gnu-gcc",
	"riscv64":  "riscv64-linux-gnu-gcc",
	"s390x":    "s390x-linux-gnu-gcc",
}

// The C compiler for an architecture, with that architecture's headers, is
// asked whether each number of the table is right. FDPASS_LAYOUT_C=all wants
// to see an answer for every architecture that Debian 12 has a compiler for.
func TestDoCompilersAgree(t *testing.T) {
	for _, a := range All {
		t.Run(a.Name, func(t *testing.T) {
			missing := t.Skipf
			if os.Getenv("FDPASS_LAYOUT_C") == "all" && a.Name != "loong64" {
				missing = t.Fatalf
			}
			cc, err := exec.LookPath(compilers[a.Name])
			if err != nil {
				missing("no %s; make layout-c installs what Debian has", compilers[a.Name])
			}
			if out, err := compile(t, cc, nil); err != nil {
				missing("%s has no headers; make layout-c installs what Debian has\n%s", cc, out)
			}
			// One wrong number shows that the compiler really has been asked.
			const wrong = "sizeof(struct cmsghdr) == 13"
			out, err := compile(t, cc, append(assertions(a), wrong))
			if err == nil || strings.Count(out, "error:") != 1 || !strings.Contains(out, wrong) {
				t.Errorf("%s: %v, and it should find one number wrong, %s:\n%s", cc, err, wrong, out)
			}
		})
	}
}

// assertions returns what the table says of a, as conditions in C.
func assertions(a Arch) (all []string) {
	is := func(expr string, n int) { all = append(all, fmt.Sprintf("%s == %d", expr, n)) }
	for _, s := range []Struct{a.Msghdr(), a.Iovec(), a.Cmsghdr(), a.Mmsghdr(), a.Ucred()} {
		is(fmt.Sprintf("sizeof(struct %s)", s.Name), s.Size)
		is(fmt.Sprintf("_Alignof(struct %s)", s.Name), s.Align)
		for _, f := range s.Fields {
			if !f.Padding() {
				is(fmt.Sprintf("offsetof(struct %s, %s)", s.Name, f.Name), f.Offset)
				is(fmt.Sprintf("sizeof(((struct %s *)0)->%s)", s.Name, f.Name), f.Size)
			}
		}
	}
	for n := range 17 {
		is(fmt.Sprintf("CMSG_LEN(%d)", n), a.Len(n))
		is(fmt.Sprintf("CMSG_SPACE(%d)", n), a.Space(n))
	}
	big := "__ORDER_LITTLE_ENDIAN__"
	if a.Big {
		big = "__ORDER_BIG_ENDIAN__"
	}
	all = append(all, "__BYTE_ORDER__ == "+big)
	for name, n := range map[string]int{
		"SOL_SOCKET": a.SOLSocket, "SO_TYPE": a.Type, "SO_PROTOCOL": a.Protocol, "SO_DOMAIN": a.Domain,
		"SO_PASSCRED": a.PassCred, "SO_PEERCRED": a.PeerCred, "SO_PEERSEC": a.PeerSec,
		"SO_RCVTIMEO": a.RcvTimeo, "SO_SNDTIMEO": a.SndTimeo,
		"SO_PASSSEC": SO_PASSSEC, "SO_PEEK_OFF": SO_PEEK_OFF,
		"SCM_RIGHTS": SCM_RIGHTS, "SCM_CREDENTIALS": SCM_CREDENTIALS,
		"SO_TIMESTAMP_OLD": SCM_TIMESTAMP, "SO_TIMESTAMP_NEW": SO_TIMESTAMP_NEW,
		"SO_TIMESTAMPNS_OLD": SCM_TIMESTAMPNS, "SO_TIMESTAMPNS_NEW": SO_TIMESTAMPNS_NEW,
		"SO_TIMESTAMPING_OLD": SCM_TIMESTAMPING, "SO_TIMESTAMPING_NEW": SO_TIMESTAMPING_NEW,
		"sizeof(struct __kernel_sock_timeval)": payload(a, SO_TIMESTAMP_NEW),
		"sizeof(struct __kernel_timespec)":     payload(a, SO_TIMESTAMPNS_NEW),
		"sizeof(struct __kernel_old_timeval)":  payload(a, SCM_TIMESTAMP),
		"sizeof(struct scm_timestamping64)":    payload(a, SO_TIMESTAMPING_NEW),
	} {
		is(name, n)
	}
	return all
}

func payload(a Arch, typ int) int {
	m, _ := a.Message(typ)
	return m.Payload.Size
}

// compile looks through a program that asserts all of them.
func compile(t *testing.T, cc string, assertions []string) (out string, err error) {
	var b strings.Builder
	b.WriteString("#define _GNU_SOURCE\n#include <stddef.h>\n#include <sys/socket.h>\n#include <sys/uio.h>\n" +
		"#include <asm/socket.h>\n#include <linux/time_types.h>\n#include <linux/errqueue.h>\n")
	for _, a := range assertions {
		fmt.Fprintf(&b, "_Static_assert(%s, %q);\n", a, a)
	}
	file := filepath.Join(t.TempDir(), "layout.c")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(fdtest.Context(t), time.Minute)
	defer cancel()
	text, err := exec.CommandContext(ctx, cc, "-fsyntax-only", file).CombinedOutput()
	return string(text), err
}
