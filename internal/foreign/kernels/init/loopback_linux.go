package main

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// loopback sets the interface lo up, by rtnetlink(7), which unlike ioctl(2)
// takes bytes.
func loopback() error {
	const index = 1 // lo is the first interface there is
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer syscall.Close(fd)
	e := binary.NativeEndian
	b := e.AppendUint32(nil, syscall.SizeofNlMsghdr+syscall.SizeofIfInfomsg) // nlmsg_len
	b = e.AppendUint16(b, syscall.RTM_NEWLINK)                               // nlmsg_type
	b = e.AppendUint16(b, syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)           // nlmsg_flags
	b = e.AppendUint32(b, 1)                                                 // nlmsg_seq
	b = e.AppendUint32(b, 0)                                                 // nlmsg_pid
	b = append(b, syscall.AF_UNSPEC, 0)                                      // ifi_family, padding
	b = e.AppendUint16(b, 0)                                                 // ifi_type
	b = e.AppendUint32(b, index)                                             // ifi_index
	b = e.AppendUint32(b, syscall.IFF_UP)                                    // ifi_flags
	b = e.AppendUint32(b, syscall.IFF_UP)                                    // ifi_change
	if err := syscall.Sendto(fd, b, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	answer := make([]byte, 256)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil || n < syscall.SizeofNlMsghdr+4 {
		return fmt.Errorf("netlink: %d bytes, %w", n, err)
	}
	if errno := -int32(e.Uint32(answer[syscall.SizeofNlMsghdr:])); errno != 0 {
		return fmt.Errorf("lo up: %w", syscall.Errno(errno))
	}
	return nil
}
