// Package fdpass receives and sends file descriptors, and every other kind of
// ancillary data, over Unix-domain sockets on Linux. It builds the kernel's
// msghdr, iovec and cmsghdr by hand (package rawmsg) and needs nothing but the
// standard library.
//
// Most programs need two functions, [Send] and [Recv], or the same two with
// bytes beside the files, [SendMsg] and [RecvMsg]:
//
//	err := fdpass.Send(conn, file) // at one end of a Unix socket
//
//	files, err := fdpass.Recv(conn, 1) // at the other end; close them
//
// The rest of this text tells what happens in between.
//
// # What is passed
//
// A descriptor is a number, an index into the table of its process, and means
// nothing in any other. What travels is a reference to what the number stands
// for, the open file (struct file in the kernel). The receiver's table gets a
// new entry for it, under the lowest number that is free, as after dup(2): both
// processes share one read offset and one set of status flags, O_NONBLOCK among
// them. Close-on-exec belongs to the number, not to the file, and does not
// travel; what this package receives always has it.
//
// # How a message is built
//
// recvmsg(2) and sendmsg(2) take a struct msghdr, which points to an address
// (mostly none), to pieces of payload (struct iovec) and to a control buffer. The
// control buffer holds control messages, one after the other, each of them a
// struct cmsghdr and data. Two descriptors take up these 24 bytes on a 64-bit
// machine:
//
//	 0  size_t  cmsg_len    24, header and data
//	 8  int     cmsg_level  SOL_SOCKET
//	12  int     cmsg_type   SCM_RIGHTS
//	16  int     a descriptor
//	20  int     another
//
// The next control message begins at a multiple of the word size. So each has
// two lengths, and mixing them up is the oldest mistake of this field: [CmsgLen]
// is header and data, which cmsg_len says, and [CmsgSpace] is that with the
// padding, which is the distance to the next one. Where size_t has 4 bytes, so
// has the alignment, and the header has 12.
//
// [AppendRights] and [AppendControl] write such a buffer and [ParseControls]
// reads one, with no socket involved. The command's fdpass layout draws it for
// any architecture, fdpass decode explains one byte by byte, and fdpass trace shows
// those of a program that runs.
//
// # What the kernel does with it
//
// On sending, the kernel looks up each descriptor in the sender's table, takes a
// reference to the open file, and hangs all references on the first buffer of
// the payload. From then on the sender can close its own. A message carries at
// most [MaxFDs] descriptors; what is under way is counted for each user
// (ETOOMANYREFS).
//
// On receiving, it fills the control buffer in a fixed order: timestamp,
// credentials, security label, descriptors, pidfd, bytes left in the queue. Only
// for as many descriptors as there is room, and places in the receiver's table,
// does it make entries; it drops the others. That is no error for it. It sets
// MSG_CTRUNC in msg_flags, and in msg_controllen the number of bytes that it has
// written. Behind these the buffer is as it was: nothing there means anything.
//
// On a datagram or seqpacket socket a message is a message. On a stream the
// kernel joins what was sent in pieces, but ends each read with the piece that
// had descriptors: they belong to the last byte of their read. [Stream] keeps
// account of that for decoders which read ahead.
//
// # Who owns what
//
// What is sent stays the sender's: the kernel duplicates. What is received is
// open, whether the program looks at it or not, and belongs to:
//
//   - the caller, who closes it, as soon as [RecvFDs], [Recv] or [RecvMsg] has
//     returned it;
//   - the [Message], when a [Receiver] or [BatchReceiver] has received it, until
//     a method whose name begins with Take or Append hands it over; Close, and
//     the next receive, close what was not taken;
//   - the [Stream], likewise, until TakeFDs or TakeFiles.
//
// What cannot be handed over is closed before a call returns, whatever its
// error. Connections are always the caller's. Neither they nor the files that are
// sent are switched to blocking, as [os.File.Fd] would do, on a file or on what
// [net.UnixConn.File] returns.
//
// # Where the traps are
//
//   - CMSG_SPACE(4) of room lets two descriptors through on a 64-bit machine,
//     since the padding is room as well. This package makes room for as many as
//     were asked for, and closes what still got through.
//   - A message cut short is a success for the kernel. Here it is
//     [ErrTruncated], with the payload, which the socket has no more, and
//     without descriptors. [Options] can ask for what fitted.
//   - Credentials that were switched on, perhaps before this socket was
//     accepted, come first and take up the descriptors' room. [NewReceiver]
//     looks at what the socket has switched on and makes room for it.
//   - read(2) over a message with descriptors drops them, and nothing tells.
//     Where descriptors may come, every read has to be one of this package's.
//   - Descriptors without payload vanish on a stream. Sending them so is
//     [ErrNoPayload].
//   - A short write on a stream has sent all descriptors already. [SendMsg] and
//     [Sender] send the rest without them.
//   - A peer can send descriptors of anything: of a FIFO that never ends, of a
//     file that shrinks while it is mapped, of a directory outside of a chroot.
//     Look at what came (fstat(2)) before use, and ask who sent it:
//     [PeerCredentials] tells of the other end of a connection,
//     [Options].Credentials of each message.
//
// # Which one to call
//
//   - [Recv], [Send], [RecvMsg], [SendMsg]: one message on a [net.UnixConn], an
//     [os.File] or any other [syscall.Conn]; deadlines hold.
//   - [RecvFDs], [SendFDs]: the same on a bare descriptor that blocks. Any other
//     function takes one as an [FD].
//   - [Receiver], [Sender]: many messages on one connection without allocating,
//     a context, credentials, pidfds, security labels, timestamps, addresses.
//   - [BatchReceiver], [BatchSender]: many small messages with one system call.
//   - [Stream]: a protocol on a stream socket whose decoder reads ahead.
//   - Package example.com/fdpass/rawmsg: the bare structs and calls, for those
//     who want to decide everything themselves.
//
// # Errors and systems
//
// Errors of system calls are [*os.SyscallError] with the call's name and match
// their errno with [errors.Is]. The few of this package are its Err… variables.
// At the end of a connection the error is [io.EOF], after a deadline it matches
// [os.ErrDeadlineExceeded], and on a closed connection [net.ErrClosed].
//
// It runs on every Linux architecture that Go has. Everywhere else it compiles,
// and every call that needs a socket returns [errors.ErrUnsupported].
package fdpass
