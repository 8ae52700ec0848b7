/*
 * A control buffer as a plain array of characters may begin anywhere. Here it
 * begins at an odd address. The kernel does not mind, since it copies bytes. The
 * compiler may, since CMSG_FIRSTHDR makes a struct cmsghdr of it: that is
 * undefined, and -fsanitize=alignment says so. _Alignas, or a union with a
 * struct cmsghdr, makes it right.
 *
 * Prints:
 * aligned: 1 arrived
 * not aligned: 1 arrived
 */
#include "common.h"

static void receive(int socket, char *control, size_t length, const char *name)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = length};
	check(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC), "recvmsg");
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd, n = c == NULL ? 0 : (c->cmsg_len - CMSG_LEN(0)) / sizeof fd;
	printf("%s: %d arrived\n", name, n);
	fflush(stdout);
	if (n > 0) {
		memcpy(&fd, CMSG_DATA(c), sizeof fd); /* never *(int *)CMSG_DATA(c) */
		close(fd);
	}
}

int main(void)
{
	int sockets[2];
	pair(sockets, SOCK_STREAM);
	static _Alignas(struct cmsghdr) char memory[CMSG_LEN(sizeof(int)) + 1];
	check(send_fds(sockets[0], 0, 1), "sendmsg");
	receive(sockets[1], memory, CMSG_LEN(sizeof(int)), "aligned");
	check(send_fds(sockets[0], 0, 1), "sendmsg");
	receive(sockets[1], memory + 1, CMSG_LEN(sizeof(int)), "not aligned");
	return 0;
}
