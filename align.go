package fdpass

import "math/bits"

// wordLen is sizeof(long) and sizeof(size_t), in bytes: 8 on 64-bit machines, 4
// on 32-bit ones.
const wordLen = bits.UintSize / 8

// headerLen is sizeof(struct cmsghdr): cmsg_len, which is a size_t, and two ints.
const headerLen = wordLen + 4 + 4

// CmsgAlign rounds n, a number of bytes that is not negative, up to the
// alignment of control messages: 8 on 64-bit machines, 4 on 32-bit ones.
//
//	#define CMSG_ALIGN(len) (((len)+sizeof(long)-1) & ~(sizeof(long)-1))
//
// Source: include/linux/socket.h, cmsg(3).
func CmsgAlign(n int) int { return (n + wordLen - 1) &^ (wordLen - 1) }

// CmsgLen returns the value of cmsg_len for n bytes of data: the header and the
// data, without the padding that follows them. As the length of a buffer, it
// lets exactly n bytes of data through.
//
//	#define CMSG_LEN(len) (sizeof(struct cmsghdr) + (len))
//
// The header is 16 bytes on 64-bit machines and 12 on 32-bit ones. Source:
// include/linux/socket.h, cmsg(3).
func CmsgLen(n int) int { return headerLen + n }

// CmsgSpace returns how many bytes a control message with n bytes of data occupies in
// a buffer, padding included. It is the distance from one message to the next.
// As the length of a buffer for one descriptor it is a trap on 64-bit machines:
// CMSG_SPACE(4) = 24 bytes have room for two descriptors.
//
//	#define CMSG_SPACE(len) (sizeof(struct cmsghdr) + CMSG_ALIGN(len))
//
// Source: include/linux/socket.h, cmsg(3).
func CmsgSpace(n int) int { return headerLen + CmsgAlign(n) }
