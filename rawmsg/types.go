// Package rawmsg is the kernel's view of a message: the structs that
// recvmsg(2) and sendmsg(2) read and write, and one function for each system
// call. It has no policy and allocates nothing.
//
// There is one definition of each struct for all Linux architectures that Go has.
// A size_t in C is a uintptr here, and the compiler adds the same padding as a C
// compiler:
//
//	            64-bit                      32-bit
//	msghdr      56 bytes                    28 bytes
//	cmsghdr     16 bytes, aligned to 8      12 bytes, aligned to 4
//	iovec       16 bytes                     8 bytes
//	mmsghdr     64 bytes                    32 bytes
//
// The structs hold real Go pointers (*byte, *Iovec), so the garbage collector
// keeps what they point to alive and never moves it while the kernel uses it.
//
// Most programs want the package above this one, example.com/fdpass, which
// decides about truncation, closes what cannot be handed over and works with
// package net.
package rawmsg

import "structs"

// Iovec is one piece of a message's payload: struct iovec of
// include/uapi/linux/uio.h, readv(2).
type Iovec struct {
	_    structs.HostLayout
	Base *byte   // void *iov_base
	Len  uintptr // __kernel_size_t iov_len, in bytes
}

// Msghdr describes one message to recvmsg(2) and sendmsg(2): struct
// user_msghdr of include/linux/socket.h, struct msghdr to user space.
//
// The kernel reads every field but Flags. On a successful receive it writes only
// Namelen, Controllen and Flags, so the caller sets the two lengths again before
// the next receive.
type Msghdr struct {
	_          structs.HostLayout
	Name       *byte   // void *msg_name: a sockaddr, or nil
	Namelen    uint32  // int msg_namelen, in bytes; on 64-bit machines 4 bytes of padding follow
	Iov        *Iovec  // struct iovec *msg_iov
	Iovlen     uintptr // __kernel_size_t msg_iovlen: how many Iovecs
	Control    *byte   // void *msg_control: control messages, or nil
	Controllen uintptr // __kernel_size_t msg_controllen, in bytes: of the buffer; afterwards, what is used
	Flags      int32   // unsigned int msg_flags: MSG_… bits after a receive; padding as after Namelen
}

// Cmsghdr is the header of one control message: struct cmsghdr of
// include/linux/socket.h, cmsg(3). Its data follow the header directly, since
// the header's size is a multiple of its alignment.
type Cmsghdr struct {
	_     structs.HostLayout
	Len   uintptr // __kernel_size_t cmsg_len: header and data, without padding, in bytes
	Level int32   // int cmsg_level: SOL_SOCKET for everything on a Unix socket
	Type  int32   // int cmsg_type: SCM_RIGHTS, SCM_CREDENTIALS, …
}

// Mmsghdr is one message of a batch: struct mmsghdr of include/linux/socket.h,
// recvmmsg(2), sendmmsg(2).
type Mmsghdr struct {
	_   structs.HostLayout
	Hdr Msghdr // struct msghdr msg_hdr
	Len uint32 // unsigned int msg_len: bytes of payload sent or received; padding as in Msghdr
}

// Ucred is the data of SCM_CREDENTIALS: struct ucred of
// include/linux/socket.h, unix(7). It has the same 12 bytes everywhere.
type Ucred struct {
	_   structs.HostLayout
	Pid int32  // __u32 pid, in the receiver's PID namespace; 0 if it has no number there
	Uid uint32 // __u32 uid, in the receiver's user namespace
	Gid uint32 // __u32 gid
}
