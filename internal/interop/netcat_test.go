//go:build linux

package interop

import (
	"os/exec"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// With -F, nc connects, sends the connected socket over its standard output,
// which has to be a Unix socket, and ends. It is made for ssh's ProxyCommand.
func TestDoesNetcatHandOverItsConnection(t *testing.T) {
	nc := program(t, "nc.openbsd", "netcat-openbsd")
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			clean(t)
			ln := listen(t)
			host, port := hostPort(ln)
			ours, theirs := pair(t, network)
			cmd := exec.Command(nc, "-F", host, port)
			cmd.Stdout = theirs
			p := start(t, cmd)
			far, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			bounded(t, far)
			payload := make([]byte, 16)
			n, files, err := fdpass.RecvMsg(ours, payload, 1)
			if err != nil || len(files) != 1 || string(payload[:n]) != "\x00" {
				t.Fatalf("want one zero byte and one descriptor, got %q, %v, %v", payload[:n], files, err)
			}
			defer files[0].Close()
			p.wait(t)
			near := connection(t, files[0])
			if near.LocalAddr().String() != far.RemoteAddr().String() {
				t.Errorf("got the socket %v, not %v", near.LocalAddr(), far.RemoteAddr())
			}
			echo(t, near, far, "there")
			echo(t, far, near, "and back")
		})
	}
}
