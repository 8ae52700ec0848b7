/* What the programs of this folder share. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* check ends the program, with what failed, if result is negative. */
static inline int check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static inline void pair(int sockets[2], int type)
{
	check(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sockets), "socketpair");
}

/* send_bytes sends one byte with a control buffer as it is. */
static inline int send_bytes(int socket, void *control, size_t length)
{
	struct iovec iov = {.iov_base = "x", .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = length};
	return sendmsg(socket, &msg, MSG_NOSIGNAL);
}

/* send_fds sends one byte with count times the descriptor fd. */
static inline int send_fds(int socket, int fd, int count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(254 * sizeof fd)] = {0};
	struct cmsghdr *c = (struct cmsghdr *)control;
	c->cmsg_len = CMSG_LEN(count * sizeof fd);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof fd, &fd, sizeof fd);
	return send_bytes(socket, control, CMSG_SPACE(count * sizeof fd));
}

/* receive_fds receives into payload, puts at most 253 descriptors into fds, and
 * returns how many there are. */
static inline int receive_fds(int socket, void *payload, size_t size, int *fds, ssize_t *bytes)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(253 * sizeof *fds)];
	struct iovec iov = {.iov_base = payload, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	*bytes = check(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC), "recvmsg");
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
	memcpy(fds, CMSG_DATA(c), n * sizeof *fds);
	return n;
}

/* same_file reports whether two descriptors are open on the same file. */
static inline int same_file(int a, int b)
{
	struct stat x, y;
	check(fstat(a, &x), "fstat");
	check(fstat(b, &y), "fstat");
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
