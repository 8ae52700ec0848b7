package fdpass

import "example.com/fdpass/internal/cmsg"

// CmsgAlign rounds n, a number of bytes that is not negative, up to the
// alignment of control messages: 8 on 64-bit machines, 4 on 32-bit ones.
//
//	#define CMSG_ALIGN(len) (((len)+sizeof(long)-1) & ~(sizeof(long)-1))
//
// Source: include/linux/socket.h, cmsg(3).
func CmsgAlign(n int) int { return cmsg.Native.Align(n) }

// CmsgLen is the value of cmsg_len for n bytes of data: the header and the
// data, without the padding behind them. As a buffer's length it lets exactly
// n bytes of data through.
//
//	#define CMSG_LEN(len) (sizeof(struct cmsghdr) + (len))
//
// The header is 16 bytes on 64-bit machines and 12 on 32-bit ones. Source:
// include/linux/socket.h, cmsg(3).
func CmsgLen(n int) int { return cmsg.Native.Len(n) }

// CmsgSpace is what a control message with n bytes of data takes up in a
// buffer, padding included. It is the distance from one message to the next;
// as a buffer's length for one descriptor it is a trap on 64-bit machines,
// since CMSG_SPACE(4) = 24 bytes have room for two.
//
//	#define CMSG_SPACE(len) (sizeof(struct cmsghdr) + CMSG_ALIGN(len))
//
// Source: include/linux/socket.h, cmsg(3).
func CmsgSpace(n int) int { return cmsg.Native.Space(n) }
