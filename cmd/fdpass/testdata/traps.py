"""
Each trap of docs/cmsg.md that can be seen from outside, as programs in Python have
it, and the same program without it: traps.py NAME, traps.py NAME-right. Both end
with status 0.
"""
import array
import ctypes
import os
import resource
import socket
import struct
import sys

CLOEXEC = 0x40000000  # MSG_CMSG_CLOEXEC, which module socket does not have
SPACE = socket.CMSG_SPACE(4)


def send(data, fds, flags=0):
    """What socket.send_fds does, which does not pass the flags on before Python 3.12."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
    a.sendmsg([data], [rights], flags)


def receive(room, flags=CLOEXEC):
    """What socket.recv_fds does, which does not pass the flags on. fds is what came."""
    fds = array.array("i")
    data, controls, _, _ = b.recvmsg(16, room, flags)
    for level, typ, rights in controls:
        if (level, typ) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(rights[: len(rights) - len(rights) % 4])
    return data, fds


def use(fds):
    for fd in fds:
        os.fstat(fd)
        os.close(fd)


class Msghdr(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


def receive_by_hand(control):
    """recvmsg(2) into a control buffer of the caller's."""
    data = ctypes.create_string_buffer(16)
    iov = (ctypes.c_size_t * 2)(ctypes.addressof(data), len(data))
    m = Msghdr(None, 0, ctypes.addressof(iov), 1, ctypes.addressof(control), len(control), 0)
    if ctypes.CDLL(None).recvmsg(b.fileno(), ctypes.byref(m), CLOEXEC) < 0:
        sys.exit("recvmsg")


name = sys.argv[1].removesuffix("-right")
right = name != sys.argv[1]
a, b = socket.socketpair(type=socket.SOCK_SEQPACKET if name == "end" else socket.SOCK_STREAM)

if name == "cloexec":
    send(b"x", [0])
    use(receive(SPACE)[1] if right else socket.recv_fds(b, 16, 1)[1])
elif name == "room":
    send(b"x", [0, 1])
    fds = receive(SPACE)[1]
    use(fds if right else fds[:1])
elif name == "truncated":
    send(b"x", [0, 1, 2])
    use(receive(socket.CMSG_LEN(12 if right else 4))[1])
elif name == "table":
    send(b"x", [0])
    free = os.dup(0)
    os.close(free)
    if not right:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))
    use(receive(SPACE)[1])
elif name == "no-room":
    send(b"x", [0])
    use(receive(SPACE if right else 0)[1])
elif name == "pushed":
    b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    send(b"x", [0])
    use(receive(socket.CMSG_LEN(4) + (socket.CMSG_SPACE(12) if right else 0))[1])
elif name == "header":
    a.send(b"x")
    header = struct.pack("Nii2i", socket.CMSG_LEN(8), socket.SOL_SOCKET, socket.SCM_RIGHTS, 0, 0)
    receive_by_hand(ctypes.create_string_buffer(b"" if right else header, len(header)))
elif name == "empty":
    send(b"x" if right else b"", [0])
    if right:
        use(receive(SPACE)[1])
elif name == "end":
    send(b"", [0])
    data, fds = receive(SPACE)
    if data or right:
        use(fds)
elif name == "peek":
    send(b"x", [0])
    data, fds = receive(SPACE, CLOEXEC | socket.MSG_PEEK)
    if right:
        use(fds)
    use(receive(SPACE)[1])
elif name == "oob":
    send(b"x", [0], 0 if right else socket.MSG_OOB)
    if right:
        use(receive(SPACE)[1])
elif name == "read":
    send(b"x", [0])
    if right:
        use(receive(SPACE)[1])
    a.send(b"y")
    b.recv(1)
else:
    sys.exit("no trap " + name)
