//go:build linux

package facts

import (
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestInWhichOrderDoControlMessagesCome(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
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
			fdtest.MustSend(t, a, "x", fdtest.FDs(t, 1)...)
			for _, c := range fdtest.Recvmsg(t, b, 1, 256, 0).Controls {
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
		for _, f := range fdtest.TimestampForms {
			t.Run(network+" "+f.Name, func(t *testing.T) {
				if f.Option != rawmsg.SO_TIMESTAMP_OLD {
					fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
				}
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				fdtest.SetOption(t, b, f.Option, 1, f.Name)
				fdtest.MustSend(t, a, "x")
				r := fdtest.Recvmsg(t, b, 1, 256, 0)
				if typ == syscall.SOCK_STREAM {
					if len(r.Controls) != 0 || r.Truncated() {
						t.Errorf("got %v", r.Controls)
					}
					return
				}
				if len(r.Controls) != 1 || r.Controls[0].Type != f.Option ||
					len(r.Controls[0].Data) != f.Size {
					t.Errorf("got %v", r.Controls)
				}
			})
		}
	}
}
