package fdpass

import (
	"bytes"
	"encoding/binary"
	"net"
)

// sockaddrLen is sizeof(struct sockaddr_un): sa_family_t, which is a 16-bit
// number, and sun_path[108]; unix(7).
const sockaddrLen = 2 + 108

// parseSockaddr reads a sockaddr_un as the kernel wrote it. An abstract name
// begins with a zero, which package net writes as "@"; a path may end with one.
func parseSockaddr(b []byte, network string) *net.UnixAddr {
	if len(b) <= 2 || binary.NativeEndian.Uint16(b) != afUnix {
		return nil
	}
	name := b[2:]
	if name[0] == 0 {
		return &net.UnixAddr{Name: "@" + string(name[1:]), Net: network}
	}
	path, _, _ := bytes.Cut(name, []byte{0})
	return &net.UnixAddr{Name: string(path), Net: network}
}

// network is what package net calls a type of Unix socket.
func network(typ int) string {
	switch typ {
	case sockStream:
		return "unix"
	case sockDgram:
		return "unixgram"
	}
	return "unixpacket"
}

// appendSockaddr appends a sockaddr_un as the kernel reads it.
func appendSockaddr(b []byte, addr *net.UnixAddr) ([]byte, error) {
	name := addr.Name
	if name == "" || len(name) > sockaddrLen-2 {
		return b, errArgument("address %q", name)
	}
	b = binary.NativeEndian.AppendUint16(b, afUnix)
	if name[0] == '@' {
		return append(append(b, 0), name[1:]...), nil
	}
	b = append(b, name...)
	if len(name) < sockaddrLen-2 {
		b = append(b, 0)
	}
	return b, nil
}
