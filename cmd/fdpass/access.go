package main

import (
	"fmt"
	"os/user"
	"strconv"

	"example.com/fdpass/internal/printable"
)

// access is who may connect to a socket's file.
type access struct {
	perm uint32 // the mode, less than 01000
	gid  int    // the group, or -1 for this process's
}

// private is what a socket has without -mode and -group.
var private = access{perm: 0o600, gid: -1}

// parseAccess reads what the flags -mode and -group of a command are.
func parseAccess(command, mode, group string) (a access, err error) {
	a = private
	if mode != "" {
		perm, err := strconv.ParseUint(mode, 8, 32)
		if err != nil || perm > 0o777 {
			return a, usagef("%s: -mode %s: wants octal digits up to 0777", command, mode)
		}
		a.perm = uint32(perm)
	}
	if group == "" {
		return a, nil
	}
	id := group
	if g, err := user.LookupGroup(group); err == nil {
		id = g.Gid
	}
	gid, err := strconv.ParseUint(id, 10, 31)
	if err != nil {
		return a, fmt.Errorf("%s: -group %s: there is no such group", command, printable.Line(group))
	}
	a.gid = int(gid)
	return a, nil
}

// parseUser reads what the flag -from is: a name or a number. Nobody is 0.
func parseUser(command, name string) (uid uint32, err error) {
	if name == "" {
		return 0, nil
	}
	id := name
	if u, err := user.Lookup(name); err == nil {
		id = u.Uid
	}
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s: -from %s: there is no such user", command, printable.Line(name))
	}
	return uint32(n), nil
}
