package ptrace

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"example.com/fdpass/rawmsg"
)

// filtered runs a filter as the kernel does on the data of one system call.
func filtered(t *testing.T, prog []rawmsg.SockFilter, audit uint32, nr, arg0 uint64) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.NativeEndian.PutUint32(data[dataNr:], uint32(nr))
	binary.NativeEndian.PutUint32(data[dataArch:], audit)
	a := ABIs[audits[audit]]
	if a.Big { // of the traced program, and of its kernel
		binary.BigEndian.PutUint64(data[dataArg0:], arg0)
	} else {
		binary.LittleEndian.PutUint64(data[dataArg0:], arg0)
	}
	order := func(at uint32) uint32 {
		if at >= dataArg0 {
			return a.Uint32(data[at:])
		}
		return binary.NativeEndian.Uint32(data[at:])
	}
	var acc uint32
	for pc := 0; pc < len(prog); pc++ {
		switch i := prog[pc]; i.Code {
		case load:
			acc = order(i.K)
		case equals:
			if acc == i.K {
				pc += int(i.Jt)
			} else {
				pc += int(i.Jf)
			}
		case ret:
			return i.K
		default:
			t.Fatalf("instruction %d is %+v", pc, i)
		}
	}
	t.Fatal("the filter has no end")
	return 0
}

func TestDoesTheFilterStopAtTheWantedCallsOnly(t *testing.T) {
	for _, reads := range []bool{false, true} {
		prog := filter(Wanted(reads))
		if len(prog) > 4096 { // BPF_MAXINSNS
			t.Fatalf("%d instructions", len(prog))
		}
		for audit, name := range audits {
			abis := []*ABI{ABIs[name]}
			if name == "amd64" {
				abis = append(abis, ABIs["x32"])
			}
			for _, a := range abis {
				for nr, e := range a.calls {
					want := uint32(retTrace)
					if e.kind == Read && !reads {
						want = retAllow
					}
					if got := filtered(t, prog, audit, nr, 3); got != want {
						t.Errorf("%s, %s (%d), reads %v: %#x, want %#x", name, e.name, nr, reads, got, want)
					}
				}
				for nr := range uint64(600) {
					if _, ok := abis[0].calls[nr]; !ok && nr != a.socketcall && filtered(t, prog, audit, nr, 17) != retAllow {
						t.Errorf("%s: the filter stops at %d", name, nr)
					}
				}
				if a.socketcall != 0 && (filtered(t, prog, audit, a.socketcall, 17) != retTrace || filtered(t, prog, audit, a.socketcall, 1) != retAllow) {
					t.Errorf("%s: socketcall", name)
				}
			}
		}
	}
}

// The numbers are those of the kernel's tables.
func TestAreTheYoungCallsCountedFromTheRightNumber(t *testing.T) {
	for name, want := range map[string][]uint64{
		"386": {417, 425}, "arm": {417, 425}, "mips": {4417, 4425}, "mipsle": {4417, 4425},
		"mips64n32": {6417, 6425}, "x32": {0, x32 + 425}, "mips64": {0, 5425}, "amd64": {0, 425}, "s390x": {0, 425},
	} {
		a := ABIs[name]
		if _, ok := a.calls[x32+417]; ok {
			t.Errorf("%s has recvmmsg_time64, which x32 has not", name)
		}
		if e := a.calls[want[1]]; e.kind != IoUring {
			t.Errorf("%s: %d is %v", name, want[1], e)
		}
		if e := a.calls[want[0]]; want[0] != 0 && e.name != "recvmmsg_time64" {
			t.Errorf("%s: %d is %v", name, want[0], e)
		}
	}
}

func TestIsEveryABIKnownByItsAuditNumber(t *testing.T) {
	known := slices.Sorted(maps.Values(audits))
	for name := range ABIs {
		if name != "x32" && !slices.Contains(known, name) {
			t.Errorf("%s has no AUDIT_ARCH", name)
		}
	}
	if a := abiOf(0xc000003e, x32+519); a != ABIs["x32"] || a.Word != 4 {
		t.Error("x32 is not told from amd64")
	}
	if a := abiOf(0xdead, 1); a != nil {
		t.Errorf("AUDIT_ARCH 0xdead is %v", a)
	}
}

func TestIsAMsghdrReadAsCLaysItOut(t *testing.T) {
	for name, want := range map[string]Offsets{
		"amd64": {Iov: 16, Iovlen: 24, Control: 32, Controllen: 40, Flags: 48, Size: 56, Mmsghdr: 64},
		"mips":  {Iov: 8, Iovlen: 12, Control: 16, Controllen: 20, Flags: 24, Size: 28, Mmsghdr: 32},
		"x32":   {Iov: 8, Iovlen: 12, Control: 16, Controllen: 20, Flags: 24, Size: 28, Mmsghdr: 32},
	} {
		if got := ABIs[name].Msghdr; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
