package ptrace

import (
	"maps"
	"runtime"
	"slices"

	"example.com/fdpass/rawmsg"
)

// What a filter sees is a struct seccomp_data, and what it returns one of
// SECCOMP_RET_…: include/uapi/linux/seccomp.h. The instructions are those of
// include/uapi/linux/bpf_common.h.
const (
	dataNr   = 0
	dataArch = 4
	dataArg0 = 16 // __u64 args[6]

	retTrace = 0x7ff00000
	retAllow = 0x7fff0000

	load   = 0x20 // BPF_LD | BPF_W | BPF_ABS: a word of the data
	equals = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	ret    = 0x06 // BPF_RET | BPF_K
)

// filter is a program that stops at the wanted kinds of calls and lets all others
// through. It has one block for each architecture; this machine's comes first.
func filter(want func(Kind) bool) []rawmsg.SockFilter {
	prog := []rawmsg.SockFilter{{Code: load, K: dataArch}}
	order := slices.Sorted(maps.Keys(audits))
	slices.SortStableFunc(order, func(a, b uint32) int { return rank(a) - rank(b) })
	for _, audit := range order {
		abis := []*ABI{ABIs[audits[audit]]}
		if audits[audit] == "amd64" {
			abis = append(abis, ABIs["x32"])
		}
		b := block(abis, want)
		prog = append(prog, rawmsg.SockFilter{Code: equals, Jf: uint8(len(b)), K: audit})
		prog = append(prog, b...)
	}
	return append(prog, rawmsg.SockFilter{Code: ret, K: retAllow})
}

func rank(audit uint32) int {
	if audits[audit] == runtime.GOARCH {
		return 0
	}
	return 1
}

// block is the part of a filter for one architecture.
func block(abis []*ABI, want func(Kind) bool) []rawmsg.SockFilter {
	b := []rawmsg.SockFilter{{Code: load, K: dataNr}}
	socketcall := uint64(0)
	for _, a := range abis {
		b = appendTests(b, a.calls, want)
		socketcall = max(socketcall, a.socketcall)
	}
	if socketcall != 0 {
		low := uint32(dataArg0)
		if abis[0].Big {
			low += 4
		}
		b = append(b,
			rawmsg.SockFilter{Code: equals, Jt: 1, K: uint32(socketcall)},
			rawmsg.SockFilter{Code: ret, K: retAllow},
			rawmsg.SockFilter{Code: load, K: low})
		b = appendTests(b, socketcalls, want)
	}
	b = append(b, rawmsg.SockFilter{Code: ret, K: retAllow}, rawmsg.SockFilter{Code: ret, K: retTrace})
	for i := range b {
		if b[i].Code == equals && b[i].Jt == 0 { // to the end
			b[i].Jt = uint8(len(b) - 2 - i)
		}
	}
	return b
}

// appendTests appends a comparison with each number of a wanted call.
func appendTests(b []rawmsg.SockFilter, calls map[uint64]entry, want func(Kind) bool) []rawmsg.SockFilter {
	for _, nr := range slices.Sorted(maps.Keys(calls)) {
		if want(calls[nr].kind) {
			b = append(b, rawmsg.SockFilter{Code: equals, K: uint32(nr)})
		}
	}
	return b
}
