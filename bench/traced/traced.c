/*
 * A program to trace, which prints how many nanoseconds its work took:
 *
 *   traced calls N     N system calls that do nothing
 *   traced files N     N system calls that do something: open, fstat, read and close
 *   traced pass N K    N descriptors to itself, K in a message
 *
 * With the word "filtered" at the end it gives itself a seccomp filter first that
 * lets everything through.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void must(int ok)
{
	if (ok)
		return;
	perror("traced");
	exit(1);
}

static void filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

static void call(void)
{
	syscall(SYS_getppid);
}

static const char *self;

static void file(void)
{
	char page[4096];
	struct stat st;
	int fd = open(self, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && fstat(fd, &st) == 0);
	must(read(fd, page, sizeof page) == sizeof page && close(fd) == 0);
}

static int pair[2];

static void pass(int k)
{
	char control[CMSG_SPACE(253 * sizeof(int))] __attribute__((aligned(8))), byte = 'x';
	int fds[253] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(k * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(k * sizeof(int));
	memcpy(CMSG_DATA(c), fds, k * sizeof(int));
	must(sendmsg(pair[0], &msg, 0) == 1 && recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC) == 1);
	memcpy(fds, CMSG_DATA(c), k * sizeof(int));
	for (int i = 0; i < k; i++)
		close(fds[i]);
}

int main(int argc, char **argv)
{
	const char *work = argc > 2 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0, k = 1;
	struct timespec a, b;

	self = argv[0];
	if (!strcmp(work, "files"))
		k = 4;
	else if (!strcmp(work, "pass"))
		k = argc > 3 ? atoi(argv[3]) : 0;
	else if (strcmp(work, "calls"))
		return 2;
	if (n <= 0 || k <= 0 || k > 253)
		return 2;
	if (!strcmp(argv[argc - 1], "filtered"))
		filter();
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < n; i += k) {
		if (*work == 'c')
			call();
		else if (*work == 'f')
			file();
		else
			pass(k);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%lld\n", (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec);
	return 0;
}
