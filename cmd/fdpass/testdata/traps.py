"""The traps that programs in Python have, and the same without: NAME, NAME-right."""
import array
import os
import socket
import sys

name = sys.argv[1].removesuffix("-right")
right = name != sys.argv[1]
a, b = socket.socketpair()


def receive(n, flags=0x40000000):  # MSG_CMSG_CLOEXEC
    """What socket.recv_fds does, which does not pass the flags on."""
    fds = array.array("i")
    for level, typ, data in b.recvmsg(16, socket.CMSG_LEN(n * fds.itemsize), flags)[1]:
        if (level, typ) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data)
    return fds


if name == "cloexec":
    socket.send_fds(a, [b"x"], [0])
    fds = receive(1) if right else socket.recv_fds(b, 16, 1)[1]
elif name == "pushed":
    if not right:
        b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    socket.send_fds(a, [b"x"], [0, 1])
    fds = receive(2)
elif name == "read":
    socket.send_fds(a, [b"x"], [0])
    fds = receive(1) if right else []
    os.write(a.fileno(), b"y")
    b.recv(1)
elif name == "truncated":
    socket.send_fds(a, [b"x"], [0, 1, 2])
    fds = receive(3 if right else 1)
for fd in fds:
    os.fstat(fd)
    os.close(fd)
