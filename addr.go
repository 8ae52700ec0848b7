package fdpass

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"

	"example.com/fdpass/rawmsg"
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

// network returns package net's name for a type of Unix socket.
func network(typ int) string {
	switch typ {
	case rawmsg.SOCK_STREAM:
		return "unix"
	case rawmsg.SOCK_DGRAM:
		return "unixgram"
	}
	return "unixpacket"
}

// appendSockaddr appends a sockaddr_un as the kernel reads it. As in package net,
// a name that begins with "@" or with a NUL is abstract. In a path a NUL is EINVAL,
// since the kernel would take it for the end of the path.
func appendSockaddr(b []byte, addr *net.UnixAddr) ([]byte, error) {
	name := addr.Name
	if name == "" || len(name) > sockaddrLen-2 {
		return b, errArgument("address %q", name)
	}
	b = binary.NativeEndian.AppendUint16(b, afUnix)
	if name[0] == '@' || name[0] == 0 {
		return append(append(b, 0), name[1:]...), nil
	}
	if strings.IndexByte(name, 0) >= 0 {
		return b, errArgument("address %q", name)
	}
	b = append(b, name...)
	if len(name) < sockaddrLen-2 {
		b = append(b, 0)
	}
	return b, nil
}
