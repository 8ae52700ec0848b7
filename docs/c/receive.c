/*
 * The whole mechanism in C. One end of a socket sends two descriptors with one
 * byte, the other end receives them, looks at every control message and closes
 * what came.
 *
 * Prints:
 * 1 byte, control messages: 1, descriptors: 2
 */
#include "common.h"

int main(void)
{
	int sockets[2];
	pair(sockets, SOCK_STREAM);
	check(send_fds(sockets[0], STDIN_FILENO, 2), "sendmsg");

	/* The buffer is aligned for a header. It need not be cleared: the kernel writes it. */
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(253 * sizeof(int))];
	char payload[16];
	struct iovec iov = {.iov_base = payload, .iov_len = sizeof payload};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control,
	};
	int bytes = check(recvmsg(sockets[1], &msg, MSG_CMSG_CLOEXEC), "recvmsg");

	/* msg_controllen is now what the kernel has written, and these macros go no further. */
	int messages = 0, descriptors = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		messages++;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		int n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (int i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			close(fd); /* whoever receives a descriptor closes it */
			descriptors++;
		}
	}
	if (msg.msg_flags & MSG_CTRUNC)
		printf("some are missing\n");
	printf("%d byte, control messages: %d, descriptors: %d\n", bytes, messages, descriptors);
	return 0;
}
