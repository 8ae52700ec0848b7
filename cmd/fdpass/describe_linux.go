package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"example.com/fdpass/internal/lines"
)

// description is what can be said of a descriptor without touching it.
type description struct {
	fd     int
	kind   string   // file, pipe, tcp, …
	mode   string   // r, w, rw, or path for O_PATH
	flags  []string // of the open file: nonblock, append
	offset int64    // in bytes, -1 where it has none
	size   int64    // in bytes, or -1
	what   string   // a path, addresses, …
	err    error    // why nothing can be said
}

func describe(fd int) (d description, err error) {
	d = description{fd: fd, offset: -1, size: -1}
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return d, os.NewSyscallError("fstat", err)
	}
	flags, err := fcntl(fd, syscall.F_GETFL, 0)
	if err != nil {
		return d, err
	}
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		link = "(what it is cannot be seen without /proc)"
	}
	d.mode, d.flags = accessMode(flags), openFlags(flags)
	d.kind, d.what = kind(fd, &st, link)
	if st.Mode&syscall.S_IFMT == syscall.S_IFREG && d.kind != "pidfd" {
		d.size = st.Size
		if at, err := syscall.Seek(fd, 0, 1); err == nil {
			d.offset = at
		}
	}
	return d, nil
}

// openFlags names the flags that belong to the open file and that whoever has it
// can switch for everyone.
func openFlags(flags int) (names []string) {
	if flags&syscall.O_NONBLOCK != 0 {
		names = append(names, "nonblock")
	}
	if flags&syscall.O_APPEND != 0 {
		names = append(names, "append")
	}
	return names
}

// oPath is O_PATH, which package syscall does not have and which has the same
// number on every architecture of Go's.
const oPath = 0x200000

func accessMode(flags int) string {
	switch {
	case flags&oPath != 0:
		return "path"
	case flags&syscall.O_ACCMODE == syscall.O_RDONLY:
		return "r"
	case flags&syscall.O_ACCMODE == syscall.O_WRONLY:
		return "w"
	}
	return "rw"
}

// kind is what a descriptor is open on. What has no name in the file system
// is known by its link in /proc: "/memfd:x (deleted)", "anon_inode:[eventfd]",
// "pipe:[1]".
func kind(fd int, st *syscall.Stat_t, link string) (kind, what string) {
	if name, ok := strings.CutPrefix(link, "/memfd:"); ok {
		return "memfd", strings.TrimSuffix(name, " (deleted)")
	}
	if name, ok := strings.CutPrefix(link, "anon_inode:"); ok {
		return anonymous(fd, strings.Trim(name, "[]"), link)
	}
	if strings.HasPrefix(link, "pidfd:") { // a file system of its own since Linux 6.9
		return anonymous(fd, "pidfd", link)
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return "file", link
	case syscall.S_IFDIR:
		return "dir", link
	case syscall.S_IFIFO:
		return "pipe", link
	case syscall.S_IFSOCK:
		return socketKind(fd, link)
	case syscall.S_IFLNK:
		return "link", link
	}
	return "device", link
}

// anonymous is for what lives only in the kernel.
func anonymous(fd int, name, link string) (kind, what string) {
	switch name {
	case "eventpoll":
		return "epoll", link
	case "pidfd":
		return "pidfd", "process " + processOf(fd)
	}
	return name, link
}

// processOf reads the line "Pid: 12" of a pidfd's fdinfo; -1 is a process that
// has ended, 0 one of another PID namespace.
func processOf(fd int) string {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return "unknown"
	}
	for line := range lines.Of(string(info)) {
		if pid, ok := strings.CutPrefix(line, "Pid:"); ok {
			return strings.TrimSpace(pid)
		}
	}
	return "unknown"
}

// socketKind names a socket as package net does, with its addresses.
func socketKind(fd int, link string) (kind, what string) {
	local, err := syscall.Getsockname(fd)
	if err != nil {
		return "socket", link
	}
	typ, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return "socket", link
	}
	what = sockaddr(local)
	if n, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); n != 0 {
		what += " (listening)"
	} else if remote, err := syscall.Getpeername(fd); err == nil {
		what += " to " + sockaddr(remote)
	}
	return network(local, typ), what
}

func network(local syscall.Sockaddr, typ int) string {
	inet := false
	switch local.(type) {
	case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
		inet = true
	case *syscall.SockaddrUnix:
	case *syscall.SockaddrNetlink:
		return "netlink"
	default:
		return "socket"
	}
	switch {
	case inet && typ == syscall.SOCK_STREAM:
		return "tcp"
	case inet && typ == syscall.SOCK_DGRAM:
		return "udp"
	case inet:
		return "ip"
	case typ == syscall.SOCK_STREAM:
		return "unix"
	case typ == syscall.SOCK_SEQPACKET:
		return "unixpacket"
	}
	return "unixgram"
}

func sockaddr(sa syscall.Sockaddr) string {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)).String()
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)).String()
	case *syscall.SockaddrUnix:
		if sa.Name != "" && sa.Name != "@" {
			return sa.Name
		}
	}
	return "unnamed"
}
