package main

// topics are what fdpass help explains beside the commands. What they say of
// the kernel is shown by a test each, in this repository.
var topics = []struct{ name, title, text string }{
	{"message", "how a message with descriptors is built", `
sendmsg(2) and recvmsg(2) take a struct msghdr. It points to the payload (by
way of an array of struct iovec) and to a control buffer, msg_control, which
holds control messages one after the other. Each begins with a struct cmsghdr:

  size_t cmsg_len     the header and the data, without the padding after them
  int    cmsg_level   SOL_SOCKET: 1, on MIPS 65535
  int    cmsg_type    SCM_RIGHTS (1) for descriptors, SCM_CREDENTIALS (2), …

The data of SCM_RIGHTS are ints, one for each descriptor. The sender writes its
own numbers there. The kernel installs duplicates in the receiver's table and
writes theirs, so the numbers differ and the open files are the same: position
and flags are shared, as after dup(2).

size_t has 4 or 8 bytes, and every message begins at a multiple of that, which
leaves padding after an odd number of descriptors on a 64-bit machine. Two of
C's macros do the sums: CMSG_LEN(n) is what cmsg_len is for n bytes of data,
CMSG_SPACE(n) how much of the buffer they take up.

  fdpass layout                  shows all of it for this machine
  fdpass layout amd64 386 s390x  for three kinds of machines
  fdpass decode HEX…             explains a buffer that you have
`},
	{"room", "how much room to offer, and what does not fit", `
msg_controllen says how many bytes the control buffer has before recvmsg(2),
and how many of them were filled after it. What was in the buffer before stays
there: without a look at msg_controllen the descriptors of the last message
come back a second time.

The kernel installs as many descriptors as fit into what is offered: with
nothing in front of them (msg_controllen - sizeof(struct cmsghdr)) / 4. It
closes the others and sets MSG_CTRUNC. On a 64-bit machine the padding counts:
CMSG_SPACE(4) is 24 and lets 2 descriptors through, CMSG_LEN(4) is 20 and lets
1. Who expects one and looks at one has leaked the other.

What else the socket has been asked for (SO_PASSCRED, SO_TIMESTAMP) comes
before the descriptors and takes its room first: with credentials switched on,
24 bytes hold 8 of the 12 bytes of a struct ucred, and no descriptor.

When the receiver's table is full, the call succeeds all the same, with
MSG_CTRUNC and fewer descriptors or none.

  fdpass layout -fds 3 -with cred,pidfd   does the sums
`},
	{"streams", "which bytes descriptors belong to", `
On datagram and seqpacket sockets descriptors arrive with their message.

On a stream they arrive with the first byte that is read of what was sent with
them, and that read goes no further than what was sent with them. Bytes that
were sent before may stand in front. So descriptors belong to the last byte of
the read that returned them.

A stream has no empty messages: descriptors that are sent without a byte of
payload vanish, though sendmsg(2) returns 0. One that is cut short by a full
socket has sent all its descriptors; the rest of the bytes goes without.

Whoever calls read(2) on a socket drops the descriptors that came with those
bytes. A look with MSG_PEEK installs duplicates, new ones each time.
`},
	{"activation", "what CMD gets: socket activation", `
fdpass recv SOCKET -- CMD turns into CMD, which finds what was received from
descriptor 3 on, and in its environment

  LISTEN_FDS       how many there are
  LISTEN_PID       its own process number, so that children do not feel meant
  LISTEN_FDNAMES   their names, separated by colons
  FDPASS_PID       the process that sent them, 0 if it has no number here
  FDPASS_UID       its user
  FDPASS_PAYLOAD   the bytes that came with them, if there are at most 64 KiB
                   and no zero byte is among them; recv -payload has all

The socket fd:N that they came by is closed, or /dev/null if N is 0, 1 or 2.

The first three are the protocol of sd_listen_fds(3), which many servers speak,
and which takes no library: in a shell script the first one is <&3.

  fdpass recv /tmp/s -- sh -c 'cat <&3' &
  fdpass send -wait /tmp/s /etc/hostname
`},
	{"json", "what recv -json writes", `
An object in a line for each message, or for the messages that -n takes:

  descriptors  an array, in the order of the message, of objects:
    fd         the number in fdpass, which nobody else can use
    kind       file, dir, pipe, device, memfd, pidfd, unix, tcp, udp, eventfd, …
    access     r, w, rw, or path for O_PATH
    flags      an array: nonblock, append
    offset     in bytes, where there is one
    size       in bytes, of a file
    what       a path, addresses, …
    error      why nothing can be said of it
  bytes        how many bytes of payload came
  payload      the bytes, at most 1 MiB, in base64
  text         the same as a string, if it is valid UTF-8
  missing      what is known to be missing from the payload
  sender       who connected, or sent the datagram: pid, uid, gid, and the
               program's name, which it can choose itself

Members may be added. Every character that a terminal would obey is escaped.

  fdpass recv -json -many @s | jq -r .descriptors[].what
`},
	{"errors", "exit status and messages", `
  0  it worked
  1  it failed: a file, the peer or the kernel said no, or input made no sense
  2  it was used wrongly: an unknown flag, command or architecture
126  a program is there and cannot be executed
127  there is no such program

Errors go to stderr, in a line that begins with "fdpass: ". A program that recv
becomes has an exit status of its own. Names that other programs have chosen
stand in quotation marks, with escapes, if a terminal would obey them.

A signal that ends fdpass removes its socket first. After SIGQUIT the status is
131, and there is no core dump.

Output that cannot be written is an error, with status 1: a full disk, or a
standard output that is open for reading only. One that is closed (>&-) looks
like >/dev/null: before a program in Go begins, its runtime opens /dev/null in
the place of each of the descriptors 0, 1 and 2 that is closed. A pipe that
nobody reads ends fdpass with SIGPIPE and without a message, as it does other
programs.
`},
	{"lint", "what fdpass trace says is wrong", `
Each line says what is wrong and why, and names the place in docs/cmsg.md. The
word is the member "trap" in JSON.

  cloexec    received without MSG_CMSG_CLOEXEC: other programs inherit it
  room       CMSG_SPACE of room admits one descriptor more than was wanted, and
             it came: the program did nothing with it and never closed it
  truncated  MSG_CTRUNC, and the program uses what came or leaves it open
  table      MSG_CTRUNC and nothing came: the table of descriptors is full
  no-room    MSG_CTRUNC, and the control buffer is too small for a descriptor
  pushed     MSG_CTRUNC, and credentials or the like took the room
  header     nothing came, and the buffer has a header that the program wrote
             itself: who reads it finds descriptor 0 (only with -lint)
  empty      descriptors sent without payload on a stream: nobody gets them
  end        an empty message that brought descriptors, which were not closed
  peek       received with MSG_PEEK and never closed
  oob        descriptors sent with MSG_OOB: nobody gets them
  read       read(2) or recv(2) took the bytes: the descriptors are lost (only
             with -lint or -reads; the kernel says how many wait, since 5.6)

Whether a descriptor was closed is known when the program ends. From a message
that may be wrong until all that came with it are used or closed, the program
stops at each system call. Not seen from outside: a program that takes a
leftover in its buffer for a message, or that merges two messages in a relay.
`},
	{"trace-json", "the objects of fdpass trace -json", `
One object a line for each message. Members may be added; those that are here
stay and keep their meaning. Those with a ? are left out where they are empty.

  time       when the call had returned, RFC 3339
  pid, tid   of the process and the thread
  program    its name, as ps shows it
  call       sendmsg, recvmsg, recvmmsg, read, io_uring_setup, …
  index?     of the message in a batch, from 0
  fd         the socket's number in the program
  socket?    kind (as in Go's package net), local?, remote? (names), and peer?
             (pid, uid, gid, program?): who connected, listened or made the pair
  flags      the MSG_… of the call
  result     bytes of payload, or -1
  errno?     the error's name
  msg_flags? the MSG_… that a message came with
  room       msg_controllen before the call, in bytes
  controls   the control messages: name, summary, and descriptors? (fd, is)
  malformed? where the control messages make no sense
  note?      what an error means here, or that io_uring is used
  wrong?     what is wrong: trap, why, link; see fdpass help lint

What turns out at a program's end comes in a second object for that message.
`},
}
