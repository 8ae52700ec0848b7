//go:build linux

package fdpass_test

import (
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestInWhichOrderDoControlMessagesCome(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, qemuOptions)
	const old = rawmsg.SO_TIMESTAMP_OLD
	type option struct {
		name string
		opt  int
		typ  int // of the control message
	}
	for network, options := range map[string][]option{
		"unix": {
			{"SO_TIMESTAMP", old, 0}, // on a stream nothing comes, silently
			{"SO_PASSCRED", rawmsg.SO_PASSCRED, rawmsg.SCM_CREDENTIALS},
			{"", 0, rawmsg.SCM_RIGHTS},
			{"SO_PASSPIDFD", rawmsg.SO_PASSPIDFD, rawmsg.SCM_PIDFD},
			{"SO_INQ", rawmsg.SO_INQ, rawmsg.SCM_INQ},
		},
		"unixgram": {
			{"SO_TIMESTAMP", old, old},
			{"SO_PASSCRED", rawmsg.SO_PASSCRED, rawmsg.SCM_CREDENTIALS},
			{"", 0, rawmsg.SCM_RIGHTS},
			{"SO_PASSPIDFD", rawmsg.SO_PASSPIDFD, rawmsg.SCM_PIDFD},
		},
		"unixpacket": {
			{"SO_TIMESTAMP", old, old},
			{"SO_PASSCRED", rawmsg.SO_PASSCRED, rawmsg.SCM_CREDENTIALS},
			{"", 0, rawmsg.SCM_RIGHTS},
			{"SO_PASSPIDFD", rawmsg.SO_PASSPIDFD, rawmsg.SCM_PIDFD},
		},
	} {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Pair(t, fdtest.Types[network])
			var want, got []int
			for _, o := range options {
				if o.opt != 0 {
					err := syscall.SetsockoptInt(b, rawmsg.SOL_SOCKET, o.opt, 1)
					if err == syscall.ENOPROTOOPT {
						t.Logf("without %s, which this kernel does not have", o.name)
						continue
					}
					if err != nil {
						t.Fatalf("%s: %v", o.name, err)
					}
				}
				if o.typ != 0 {
					want = append(want, o.typ)
				}
			}
			mustSend(t, a, "x", fdtest.FDs(t, 1)...)
			for _, c := range bareRecv(t, b, 1, 256, 0).controls {
				got = append(got, c.Type)
				if fd, err := c.PIDFD(); err == nil {
					fdtest.Close(t, fd)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got the types %v, want %v", got, want)
			}
		})
	}
}

func TestDoTimestampsComeOnAStream(t *testing.T) {
	for network, typ := range fdtest.Types {
		for _, f := range timestampForms {
			t.Run(network+" "+f.name, func(t *testing.T) {
				if f.opt != rawmsg.SO_TIMESTAMP_OLD {
					fdtest.SkipUnderQemuUser(t, qemuOptions)
				}
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				setOption(t, b, f.opt, 1, f.name)
				mustSend(t, a, "x")
				r := bareRecv(t, b, 1, 256, 0)
				if typ == syscall.SOCK_STREAM {
					if len(r.controls) != 0 || r.truncated() {
						t.Errorf("got %v", r.controls)
					}
					return
				}
				if len(r.controls) != 1 || r.controls[0].Type != f.opt || len(r.controls[0].Data) != f.size {
					t.Errorf("got %v", r.controls)
				}
			})
		}
	}
}

// timestampForms are the four forms of timestamps; the control message has the
// number of the option as its type.
var timestampForms = []struct {
	name string
	opt  int
	size int // of its data
}{
	{"SO_TIMESTAMP_OLD", rawmsg.SO_TIMESTAMP_OLD, byWord(16, 8)},
	{"SO_TIMESTAMPNS_OLD", rawmsg.SO_TIMESTAMPNS_OLD, byWord(16, 8)},
	{"SO_TIMESTAMP_NEW", rawmsg.SO_TIMESTAMP_NEW, 16},
	{"SO_TIMESTAMPNS_NEW", rawmsg.SO_TIMESTAMPNS_NEW, 16},
}
