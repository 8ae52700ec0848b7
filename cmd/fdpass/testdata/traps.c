/*
 * Each trap of docs/cmsg.md that can be seen from outside, and the same program
 * without it: traps NAME, traps NAME-right. Both end with status 0.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int pair[2], type = SOCK_STREAM;
static char control[1024] __attribute__((aligned(8)));
static int fds[300];

static void check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(3);
	}
}

static void sends(const char *payload, int n, int flags)
{
	struct iovec iov = { (char *)payload, strlen(payload) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	memset(control, 0, sizeof control);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (int i = 0; i < n; i++)
		fds[i] = 0;
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	check(sendmsg(pair[0], &msg, flags) >= 0, "sendmsg");
	memset(control, 0, sizeof control);
}

/* Receives into room bytes; how many descriptors come, *truncated if MSG_CTRUNC. */
static int receives(size_t room, int flags, int *truncated)
{
	char payload[16];
	struct iovec iov = { payload, sizeof payload };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room ? control : NULL,
			      .msg_controllen = room };
	int n = 0;
	check(recvmsg(pair[1], &msg, flags) >= 0, "recvmsg");
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		}
	*truncated = msg.msg_flags & MSG_CTRUNC;
	return n;
}

static void uses(int from, int to)
{
	for (int i = from; i < to; i++) {
		check(fcntl(fds[i], F_GETFL) >= 0, "fcntl");
		close(fds[i]);
	}
}

int main(int argc, char **argv)
{
	char *name = argv[argc - 1];
	char *end = strstr(name, "-right");
	int right = end != NULL, truncated, n, on = 1;
	int cloexec = MSG_CMSG_CLOEXEC;

	if (end)
		*end = 0;
	if (!strcmp(name, "end"))
		type = SOCK_SEQPACKET;
	check(!socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), "socketpair");

	if (!strcmp(name, "cloexec")) {
		sends("x", 1, 0);
		uses(0, receives(sizeof control, right ? cloexec : 0, &truncated));
	} else if (!strcmp(name, "room")) {
		sends("x", 2, 0);
		n = receives(CMSG_SPACE(sizeof(int)), cloexec, &truncated);
		uses(0, right ? n : 1);
	} else if (!strcmp(name, "two")) { /* two are wanted and two come */
		sends("x", 2, 0);
		n = receives(CMSG_SPACE(2 * sizeof(int)), cloexec, &truncated);
		for (int i = 0; i < n; i++)
			check(fcntl(fds[i], F_GETFL) >= 0, "fcntl");
	} else if (!strcmp(name, "truncated")) {
		sends("x", 3, 0);
		n = receives(CMSG_LEN(sizeof(int)), cloexec, &truncated);
		if (right && truncated)
			for (int i = 0; i < n; i++)
				close(fds[i]);
	} else if (!strcmp(name, "ignored")) {
		sends("x", 3, 0);
		uses(0, receives(CMSG_LEN(sizeof(int)), cloexec, &truncated));
	} else if (!strcmp(name, "table")) {
		struct rlimit was, full = { 5, 5 };
		sends("x", 1, 0);
		check(!getrlimit(RLIMIT_NOFILE, &was), "getrlimit");
		full.rlim_cur = pair[1] + 1;
		full.rlim_max = was.rlim_max;
		if (!right)
			check(!setrlimit(RLIMIT_NOFILE, &full), "setrlimit");
		uses(0, receives(sizeof control, cloexec, &truncated));
	} else if (!strcmp(name, "no-room")) {
		sends("x", 1, 0);
		uses(0, receives(right ? sizeof control : 0, cloexec, &truncated));
	} else if (!strcmp(name, "pushed")) {
		check(!setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), "setsockopt");
		sends("x", 1, 0);
		size_t extra = right ? CMSG_SPACE(sizeof(struct ucred)) : 0;
		uses(0, receives(CMSG_LEN(sizeof(int)) + extra, cloexec, &truncated));
	} else if (!strcmp(name, "header")) {
		check(write(pair[0], "x", 1) == 1, "write");
		struct cmsghdr *c = (struct cmsghdr *)control;
		if (!right)
			*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS };
		receives(CMSG_LEN(2 * sizeof(int)), cloexec, &truncated);
	} else if (!strcmp(name, "reused")) { /* a leftover in the buffer is no header of the program's */
		sends("x", 1, 0);
		uses(0, receives(CMSG_LEN(sizeof(int)), cloexec, &truncated));
		check(write(pair[0], "x", 1) == 1, "write");
		receives(CMSG_LEN(sizeof(int)), cloexec, &truncated);
	} else if (!strcmp(name, "empty")) {
		sends(right ? "x" : "", 1, 0);
		if (right)
			uses(0, receives(sizeof control, cloexec, &truncated));
	} else if (!strcmp(name, "end")) {
		sends("", 1, 0);
		n = receives(sizeof control, cloexec, &truncated);
		if (right)
			uses(0, n);
	} else if (!strcmp(name, "peek")) {
		sends("x", 1, 0);
		n = receives(sizeof control, cloexec | MSG_PEEK, &truncated);
		if (right)
			uses(0, n);
		uses(0, receives(sizeof control, cloexec, &truncated));
	} else if (!strcmp(name, "look")) { /* a look without room loses nothing */
		sends("x", 1, 0);
		check(receives(0, MSG_PEEK, &truncated) == 0 && truncated, "a look");
		uses(0, receives(CMSG_LEN(sizeof(int)), cloexec, &truncated));
	} else if (!strcmp(name, "oob")) {
		sends("x", 1, right ? 0 : MSG_OOB);
		if (right)
			uses(0, receives(sizeof control, cloexec, &truncated));
	} else if (!strcmp(name, "read")) {
		sends("x", 1, 0);
		if (right)
			uses(0, receives(sizeof control, cloexec, &truncated));
		check(write(pair[0], "x", 1) == 1, "write");
		check(read(pair[1], control, 1) == 1, "read");
	} else {
		fprintf(stderr, "no trap %s\n", name);
		return 2;
	}
	return 0;
}
