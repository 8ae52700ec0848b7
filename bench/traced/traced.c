/*
 * A program to trace: traced calls N makes N system calls that move nothing, traced
 * pass N K passes N descriptors to itself, K in a message. It prints how many
 * nanoseconds that took.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void pass(int pair[2], int k)
{
	char control[CMSG_SPACE(253 * sizeof(int))] __attribute__((aligned(8))), byte = 'x';
	int fds[253] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(k * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(k * sizeof(int));
	memcpy(CMSG_DATA(c), fds, k * sizeof(int));
	if (sendmsg(pair[0], &msg, 0) != 1 || recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC) != 1) {
		perror("traced");
		exit(1);
	}
	memcpy(fds, CMSG_DATA(c), k * sizeof(int));
	for (int i = 0; i < k; i++)
		close(fds[i]);
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[2]) : 0, k = argc > 3 ? atoi(argv[3]) : 0, pair[2];
	struct timespec a, b;

	if (n <= 0 || k > 253 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < n; i += k ? k : 1)
		if (k)
			pass(pair, k);
		else
			syscall(SYS_getppid);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%lld\n", (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec);
	return 0;
}
