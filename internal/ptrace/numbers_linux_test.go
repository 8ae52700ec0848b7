//go:build !386

package ptrace

import (
	"runtime"
	"syscall"
	"testing"
)

// Package syscall's list for 386 is too old for most of them.
func TestAreTheNumbersOfThisMachinesCallsRight(t *testing.T) {
	a := ABIs[runtime.GOARCH]
	want := map[uint64]Kind{
		syscall.SYS_READ: Read, syscall.SYS_READV: Read, syscall.SYS_RECVFROM: Read,
		syscall.SYS_SENDMSG: Sendmsg, syscall.SYS_RECVMSG: Recvmsg,
	}
	for nr, kind := range want {
		if a.calls[nr].kind != kind {
			t.Errorf("%d is %v, want kind %d", nr, a.calls[nr], kind)
		}
	}
	if a.close != syscall.SYS_CLOSE {
		t.Errorf("close is %d, and in package syscall %d", a.close, syscall.SYS_CLOSE)
	}
}
