//go:build !386 && !amd64

package main

import (
	"runtime"
	"syscall"
	"testing"
)

// Package syscall has all four numbers where the list that it was made from is
// new enough; on 386 and amd64 the traces themselves are the test.
func TestAreTheNumbersOfThisMachinesCallsRight(t *testing.T) {
	for arch, a := range traceABIs {
		if a.Name != runtime.GOARCH {
			continue
		}
		got := [4]uint64{a.Recvmsg, a.Sendmsg, a.Recvmmsg, a.Sendmmsg}
		want := [4]uint64{syscall.SYS_RECVMSG, syscall.SYS_SENDMSG, syscall.SYS_RECVMMSG, syscall.SYS_SENDMMSG}
		if got != want {
			t.Errorf("%s, %#x: %v, want %v", a.Name, arch, got, want)
		}
		return
	}
	t.Errorf("%s is not there", runtime.GOARCH)
}
