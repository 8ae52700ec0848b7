package main

import (
	"strings"
)

// socketTypes are the names that package net has for the types of -type.
var socketTypes = map[string]string{"stream": "unix", "seqpacket": "unixpacket", "dgram": "unixgram"}

// parse finds as many mistakes as there can be found before anybody is served.
func (r *receiver) parse(args []string) (addr address, err error) {
	if len(args) == 0 {
		return addr, usagef("recv: SOCKET is needed; see fdpass recv -h")
	}
	if len(args) > 1 {
		if args[1] != "--" || len(args) == 2 {
			return addr, usagef("recv: flags go before SOCKET, and -- CMD after it: " +
				"fdpass recv [flags] SOCKET -- CMD")
		}
		r.cmd = args[2:]
	}
	if addr, err = parseAddress(args[0]); err != nil {
		return addr, err
	}
	checks := []func(address) error{r.checkFlags, r.checkSocket, r.checkAccess, r.checkFrom, r.checkCommand}
	for _, check := range checks {
		if err := check(addr); err != nil {
			return addr, err
		}
	}
	return addr, nil
}

func (r *receiver) checkFlags(addr address) error {
	switch {
	case r.n < 0:
		return usagef("recv: -n %d: a number of descriptors is not negative", r.n)
	case r.cmd != nil && (r.cat || r.json):
		return usagef("recv: either -cat, -json or CMD")
	case r.cat && r.json:
		return usagef("recv: either -cat or -json")
	case r.cmd == nil && (r.names != "" || r.block):
		return usagef("recv: -names and -block are for CMD")
	case r.cmd == nil && addr.fd == 1:
		return usagef("recv: fd:1 is where the output goes; use fd:0, or a CMD")
	case r.wait && !r.connect:
		return usagef("recv: -wait is for -connect")
	}
	return nil
}

func (r *receiver) checkSocket(addr address) error {
	switch listens := addr.fd < 0 && !r.connect; {
	case socketTypes[r.typ] == "":
		return usagef("recv: -type %s: wants stream, seqpacket or dgram", r.typ)
	case r.typ != "stream" && !listens:
		return usagef("recv: -type is for a socket that recv listens on; others have a type already")
	case (r.mode != "" || r.group != "") && (!listens || strings.HasPrefix(addr.name, "@")):
		return usagef("recv: -mode and -group are for a socket that recv makes at a path")
	}
	return nil
}

func (r *receiver) checkAccess(address) (err error) {
	r.access, err = parseAccess("recv", r.mode, r.group)
	return err
}

func (r *receiver) checkFrom(address) (err error) {
	r.uid, err = parseUser("recv", r.from)
	return err
}

func (r *receiver) checkCommand(address) (err error) {
	if r.cmd == nil {
		return nil
	}
	if names := strings.Count(r.names, ":") + 1; r.n > 0 && names > 1 && names != r.n {
		return usagef("recv: -names has %d names, and -n is %d", names, r.n)
	}
	r.path, err = findProgram(r.cmd[0])
	return err
}
