// Package fdpass receives and sends file descriptors, and every other kind of
// ancillary data, over Unix-domain sockets on Linux. It builds the kernel's
// msghdr, iovec and cmsghdr by hand (package rawmsg) and needs only the standard
// library.
//
// Most programs need two functions:
//
//	err := fdpass.Send(conn, file) // at one end of a Unix socket
//
//	file, err := fdpass.RecvFile(conn) // at the other end; close it
//
// [Recv] receives several files, [SendMsg] and [RecvMsg] have bytes beside the
// files. The rest of this text explains what happens in between.
//
// # What is passed
//
// A descriptor is a number: an index into the descriptor table of its process. It
// means nothing in any other process. What is passed is a reference to the open
// file description that the number stands for (struct file in the kernel). The
// receiver's table gets a new entry for it, under the lowest free number, as after
// dup(2). Both processes share one file offset and one set of status flags, such as
// O_NONBLOCK. The close-on-exec flag belongs to the number, not to the open file
// description, and is not passed. Everything that this package receives has it.
//
// # How a message is built
//
// recvmsg(2) and sendmsg(2) take a struct msghdr. It points to an address (mostly
// none), to pieces of payload (struct iovec) and to a control buffer. The control
// buffer holds control messages, one after the other. Each of them is a struct
// cmsghdr followed by data. Two descriptors occupy these 24 bytes on a 64-bit
// machine:
//
//	 0  size_t  cmsg_len    24, header and data
//	 8  int     cmsg_level  SOL_SOCKET
//	12  int     cmsg_type   SCM_RIGHTS
//	16  int     a descriptor
//	20  int     another
//
// The next control message begins at a multiple of the word size. So each message
// has two lengths, and programs have always confused them. [CmsgLen] is header and
// data, and is the value of cmsg_len. [CmsgSpace] also counts the padding, and is
// the distance to the next message. If size_t has 4 bytes, the alignment is 4 and
// the header has 12 bytes.
//
// [AppendRights] and [AppendControl] write such a buffer and [ParseControls] reads
// one; no socket is involved. They read and write bytes, and never cast a pointer,
// so no length in a buffer can lead them outside of it. [rawmsg.Cmsghdr] is the
// same header as a struct, for programs that use package rawmsg. The command
// fdpass layout draws a buffer for any architecture, fdpass decode explains one
// byte by byte, and fdpass trace shows those of a running program.
//
// # What the kernel does with it
//
// On sending, the kernel looks up each descriptor in the sender's table, takes a
// reference to the open file description, and attaches all references to the first
// buffer of the payload. From then on the sender can close its own descriptors. A
// message carries at most [rawmsg.SCM_MAX_FD] descriptors. Those in flight are
// counted for each user (ETOOMANYREFS).
//
// On receiving, the kernel fills the control buffer in a fixed order: timestamp,
// credentials, security label, descriptors, pidfd, bytes left in the queue. It
// makes entries for as many descriptors as there is room in the buffer and in the
// receiver's table, and drops the others. For the kernel that is not an error. It
// sets MSG_CTRUNC in msg_flags, and it sets msg_controllen to the number of bytes
// that it has written. What the buffer holds after these bytes means nothing.
//
// On a datagram or seqpacket socket, a message stays a message. On a stream, the
// kernel joins the bytes of several messages, but ends each read with the message
// that had descriptors. [Stream] explains what follows from that, and which of two
// ways is right for a protocol.
//
// # Who owns what
//
// What is sent stays the sender's: the kernel duplicates it. What is received is
// open, whether the program looks at it or not, and belongs to:
//
//   - the caller, who closes it, as soon as a function whose name begins with Recv
//     has returned it;
//   - the [Message], when a [Receiver] or [BatchReceiver] has received it, until a
//     method whose name begins with Take hands it over. Close, and the next
//     receive, close what was not taken;
//   - the [Stream], until a method whose name begins with Take hands it over, or
//     Close closes it.
//
// A call that returns an error has closed everything that came, and still returns
// the payload, which is no longer on the socket. Only [Options].KeepTruncated
// changes that. What a program forgets in a Message or a Stream is closed when the
// garbage collector finds it.
//
// Connections stay the caller's, except that a Stream and a [Relay] close theirs.
// Connections and files that are sent stay nonblocking if they were: [os.File.Fd]
// and [net.UnixConn.File] would make them block, and this package calls neither.
//
// # Where the traps are
//
//   - Room of CMSG_SPACE(4) lets two descriptors through on a 64-bit machine,
//     since the padding is room as well. This package has room for all that a
//     message can carry, and closes what was not asked for.
//   - A message that is cut short is a success for the kernel. Here it is
//     [ErrTruncated], with the payload and without descriptors.
//   - Credentials that were switched on, perhaps before this socket was
//     accepted, come first and occupy the room of the descriptors. [NewReceiver]
//     makes room for everything that the socket has switched on.
//   - read(2) over a message with descriptors drops them without notice. If
//     descriptors may come, every read has to be one of this package.
//   - Descriptors without payload vanish on a stream. Here that is [ErrNoPayload].
//   - A short write on a stream has already sent all descriptors. [SendMsg] and
//     [Sender] send the rest without them.
//   - A peer can send descriptors of anything: of a FIFO that never ends, of a
//     file that shrinks while it is mapped, of a directory outside a chroot, of a
//     socket whose close(2) waits. Look at what came (fstat(2)) before you use it,
//     and ask who sent it: [PeerCredentials] describes the other end of a
//     connection, [Options].Credentials the sender of each message.
//
// # Which one to call
//
//   - [RecvFile], [Recv], [Send], [RecvMsg], [RecvExactly], [SendMsg]: one message
//     on a [net.UnixConn], an [os.File] or any other [syscall.Conn]; deadlines
//     hold. [RecvMsgFDs] and [SendMsgFDs] have numbers instead of files.
//   - [RecvFDs], [SendFDs]: the same on a bare descriptor that blocks. Any other
//     function takes one as a [Socket].
//   - [Receiver], [Sender]: many messages on one connection without an allocation
//     for each, contexts, credentials, pidfds, security labels, timestamps,
//     addresses.
//   - [BatchReceiver], [BatchSender]: many small messages with one system call.
//   - [Stream]: a protocol on a stream socket. [Relay]: one that is only passed on.
//   - [Pair], [NewUnixConn]: connections of package net from socketpair(2) and
//     from an inherited number.
//   - Package rawmsg: the bare structs and calls, for programs that decide
//     everything themselves.
//
// # Errors and systems
//
// Errors of system calls are [*os.SyscallError] with the call's name. They match
// their errno with [errors.Is]: errors.Is(err, syscall.EAGAIN) works where a C
// program compares errno. The few errors of this package are its Err… variables.
// At the end of a connection the error is [io.EOF], after a deadline it matches
// [os.ErrDeadlineExceeded], and on a closed connection [net.ErrClosed].
//
// The package runs on every Linux architecture that Go has.
//
// On macOS, FreeBSD, NetBSD, OpenBSD and DragonFly it is experimental: it was
// written from the manuals and sources of these systems and has been run only on
// Linux, with the build tag fdpass_portable. Descriptors go through package syscall
// there, and the following is different.
//
//   - Options that switch something on, Peek, [Relay], credentials, and the
//     functions that describe the peer return [errors.ErrUnsupported]. Batches make
//     one system call for each message.
//   - Descriptors become close-on-exec after they have arrived, under
//     [syscall.ForkLock]: only a program that C code starts at that moment
//     inherits them.
//   - If the table is full, neither descriptors nor payload of the message come:
//     there is an empty Message with the error [ErrTruncated], which also matches
//     EMFILE. On a stream the payload comes with the next receive.
//   - On a stream, descriptors belong to the first byte of the payload that came
//     with them.
//   - Descriptors need a byte of payload on every type of socket ([ErrNoPayload]).
//   - The codec, package rawmsg's structs and [Message.Controls] have the form of
//     Linux; control messages without descriptors are dropped.
//   - After a signal, the time of SO_RCVTIMEO and SO_SNDTIMEO begins again.
//
// On other systems, Plan 9 excepted, it compiles, and every call that needs a socket
// returns [errors.ErrUnsupported]. Solaris and illumos are among them, since package
// syscall does not say there whether a message was truncated.
package fdpass
