package abi

import (
	"syscall"
	"testing"
)

func TestAreTheNumbersThoseOfPackageSyscall(t *testing.T) {
	a := Native()
	for _, c := range []struct {
		name      string
		got, want int
	}{
		{"SOL_SOCKET", a.SOLSocket, syscall.SOL_SOCKET},
		{"SO_TYPE", a.Sockopts.Type, syscall.SO_TYPE},
		{"SO_PASSCRED", a.PassCred, syscall.SO_PASSCRED},
		{"SO_PEERCRED", a.PeerCred, syscall.SO_PEERCRED},
		{"SO_RCVTIMEO", a.RcvTimeo, syscall.SO_RCVTIMEO},
		{"SO_SNDTIMEO", a.SndTimeo, syscall.SO_SNDTIMEO},
		{"SCM_RIGHTS", SCM_RIGHTS, syscall.SCM_RIGHTS},
		{"SCM_CREDENTIALS", SCM_CREDENTIALS, syscall.SCM_CREDENTIALS},
		{"SCM_TIMESTAMP", SCM_TIMESTAMP, syscall.SCM_TIMESTAMP},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s is %d, and package syscall has %d", a.Name, c.name, c.got, c.want)
		}
	}
}
