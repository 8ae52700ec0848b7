package rawmsg

import (
	"testing"

	"example.com/fdpass/internal/abi"
)

// internal/abi has the table of all architectures, which the command uses for
// messages of any of them. The numbers here are those of this machine.
func TestAreTheSocketConstantsThoseOfTheTable(t *testing.T) {
	a := abi.Native()
	for name, c := range map[string]struct{ got, want int }{
		"SOL_SOCKET":           {SOL_SOCKET, a.SOLSocket},
		"SO_TYPE":              {SO_TYPE, a.Sockopts.Type},
		"SO_DOMAIN":            {SO_DOMAIN, a.Domain},
		"SO_PASSCRED":          {SO_PASSCRED, a.PassCred},
		"SO_PEERCRED":          {SO_PEERCRED, a.PeerCred},
		"SO_PEERSEC":           {SO_PEERSEC, a.PeerSec},
		"SO_RCVTIMEO":          {SO_RCVTIMEO, a.RcvTimeo},
		"SO_PASSSEC":           {SO_PASSSEC, abi.SO_PASSSEC},
		"SO_PEEK_OFF":          {SO_PEEK_OFF, abi.SO_PEEK_OFF},
		"SO_PASSPIDFD":         {SO_PASSPIDFD, abi.SO_PASSPIDFD},
		"SCM_RIGHTS":           {SCM_RIGHTS, abi.SCM_RIGHTS},
		"SCM_CREDENTIALS":      {SCM_CREDENTIALS, abi.SCM_CREDENTIALS},
		"SCM_SECURITY":         {SCM_SECURITY, abi.SCM_SECURITY},
		"SCM_PIDFD":            {SCM_PIDFD, abi.SCM_PIDFD},
		"SCM_INQ":              {SCM_INQ, abi.SCM_INQ},
		"SCM_TIMESTAMP":        {SCM_TIMESTAMP, abi.SCM_TIMESTAMP},
		"SCM_TIMESTAMPNS":      {SCM_TIMESTAMPNS, abi.SCM_TIMESTAMPNS},
		"SCM_TIMESTAMPING":     {SCM_TIMESTAMPING, abi.SCM_TIMESTAMPING},
		"SCM_TIMESTAMP_NEW":    {SCM_TIMESTAMP_NEW, abi.SO_TIMESTAMP_NEW},
		"SCM_TIMESTAMPNS_NEW":  {SCM_TIMESTAMPNS_NEW, abi.SO_TIMESTAMPNS_NEW},
		"SCM_TIMESTAMPING_NEW": {SCM_TIMESTAMPING_NEW, abi.SO_TIMESTAMPING_NEW},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#x, and in the table %#x", name, c.got, c.want)
		}
	}
}
