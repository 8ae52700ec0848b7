//go:build linux && go1.24

// Command opener has two processes: a helper that may open files, and a worker that may
// not, and asks the helper for each file.
//
//	opener serve /run/opener.sock /srv/public 65534 &     # as root
//	opener read /run/opener.sock 65534 index.html         # becomes user 65534
//
// The worker does dangerous things, such as parsing what strangers send, and gives up
// its privileges before that. The helper does as little as possible: it opens what its
// policy allows, and passes the descriptor. A descriptor is a better permission than a
// path. It is for one file and only for reading, and nobody can exchange the file for
// another one between the check and the use.
//
// The policy has three parts. Who: the kernel says which user the process at the other
// end has ([fdpass.PeerCredentials]), and nobody can forge that. Where: [os.Root] opens
// nothing outside its directory, neither through a symbolic link nor through "..".
// What: only regular files, since opening a FIFO or a device may block or have an
// effect.
//
// A request is a message with a name. The answer is "ok" with a descriptor, or the
// error as text without one. Messages keep their boundaries, because the socket is
// of type SOCK_SEQPACKET.
package main

import (
	"errors"
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:], os.Stdout); err != nil {
		log.Fatal("opener: ", err)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 4 {
		return errors.New("usage: opener serve SOCKET DIR UID, opener read SOCKET UID FILE")
	}
	addr := &net.UnixAddr{Name: args[1], Net: "unixpacket"}
	switch args[0] {
	case "serve":
		uid, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		root, err := os.OpenRoot(args[2])
		if err != nil {
			return err
		}
		l, err := net.ListenUnix("unixpacket", addr)
		if err != nil {
			return err
		}
		// Everybody may connect. The policy decides who is served, not the socket's mode.
		if err := os.Chmod(args[1], 0o666); err != nil {
			return err
		}
		return (&helper{root, uid}).serve(l)
	case "read":
		uid, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		if err := become(uid); err != nil {
			return err
		}
		return read(addr, args[3], out)
	}
	return errors.New("the first argument is serve or read")
}
