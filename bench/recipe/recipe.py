"""What Python does: socket.recv_fds of its library, and the ctypes way.

usage: recipe.py recv_fds|ctypes     (the socket is descriptor 3)

The ctypes way is the one that the old recipe took, written anew: it lays the
kernel's structs out by hand and calls recvmsg(2) of libc. Orders and answers
are those of child.go.
"""

import array
import ctypes
import errno
import os
import socket
import sys
import time

SCM_RIGHTS = 1
MSG_CMSG_CLOEXEC = 0x40000000


class IOVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class MsgHdr(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.POINTER(IOVec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class CMsgHdr(ctypes.Structure):
    _fields_ = [("len", ctypes.c_size_t), ("level", ctypes.c_int), ("type", ctypes.c_int)]


libc = ctypes.CDLL(None, use_errno=True)
libc.recvmsg.restype = ctypes.c_ssize_t
libc.recvmsg.argtypes = [ctypes.c_int, ctypes.POINTER(MsgHdr), ctypes.c_int]


def recv_ctypes(sock, nfds):
    payload = ctypes.create_string_buffer(1)
    control = ctypes.create_string_buffer(ctypes.sizeof(CMsgHdr) + 4 * nfds)
    iov = IOVec(ctypes.addressof(payload), 1)
    msg = MsgHdr(
        iov=ctypes.pointer(iov), iovlen=1, control=ctypes.addressof(control), controllen=len(control)
    )
    while libc.recvmsg(sock.fileno(), ctypes.byref(msg), MSG_CMSG_CLOEXEC) < 0:
        if ctypes.get_errno() != errno.EINTR:
            raise OSError(ctypes.get_errno(), "recvmsg")
    header = CMsgHdr.from_buffer(control)
    if msg.controllen < ctypes.sizeof(CMsgHdr) or header.type != SCM_RIGHTS:
        raise ValueError("no descriptors")
    fds = array.array("i")
    fds.frombytes(control.raw[ctypes.sizeof(CMsgHdr) : header.len])
    return fds.tolist()


def recv_library(sock, nfds):
    _, fds, _, _ = socket.recv_fds(sock, 1, nfds)
    return fds


def main():
    receive = {"recv_fds": recv_library, "ctypes": recv_ctypes}[sys.argv[1]]
    sock = socket.socket(fileno=3)
    own = [os.open("/dev/null", os.O_RDONLY) for _ in range(253)]
    for line in sys.stdin:
        order, nfds, messages = line.split()
        nfds, messages = int(nfds), int(messages)
        kept = []
        start = time.perf_counter_ns()
        if order == "send":
            fds = own[:nfds]
            for _ in range(messages):
                socket.send_fds(sock, [b"\0"], fds)
        elif order == "recv":
            for _ in range(messages):
                kept += receive(sock, nfds)
        else:
            for _ in range(messages):
                for fd in receive(sock, nfds):
                    os.close(fd)
        end = time.perf_counter_ns()
        for fd in kept:
            os.close(fd)
        closed = time.perf_counter_ns()
        print(end - start, closed - end, 0, 0, flush=True)


main()
