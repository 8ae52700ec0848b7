/*
 * A sender puts CMSG_SPACE where CMSG_LEN belongs. Standard input, which nobody
 * meant to send, goes along: the padding is zeros, and zero is a descriptor.
 *
 * Prints:
 * cmsg_len = CMSG_LEN(4) = 20: 1 arrived
 * cmsg_len = CMSG_SPACE(4) = 24: 2 arrived, the second is standard input
 */
#include "common.h"

int main(void)
{
	int sockets[2], got[253];
	pair(sockets, SOCK_STREAM);
	int null = check(open("/dev/null", O_RDONLY | O_CLOEXEC), "open");
	int pipes[2];
	check(pipe(pipes), "pipe");
	check(dup2(pipes[0], STDIN_FILENO), "dup2"); /* something to recognize */
	size_t lengths[] = {CMSG_LEN(sizeof null), CMSG_SPACE(sizeof null)};
	const char *names[] = {"CMSG_LEN", "CMSG_SPACE"};

	for (int i = 0; i < 2; i++) {
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof null)] = {0};
		struct cmsghdr *c = (struct cmsghdr *)control;
		c->cmsg_len = lengths[i];
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(c), &null, sizeof null);
		check(send_bytes(sockets[0], control, sizeof control), "sendmsg");

		char byte;
		ssize_t bytes;
		int n = receive_fds(sockets[1], &byte, 1, got, &bytes);
		printf("cmsg_len = %s(4) = %zu: %d arrived", names[i], lengths[i], n);
		if (n == 2 && same_file(got[1], STDIN_FILENO))
			printf(", the second is standard input");
		printf("\n");
		while (n > 0)
			close(got[--n]);
	}
	return 0;
}
