/*
 * The floor: recvmsg(2), recvmmsg(2) and sendmsg(2) as C calls them, with one
 * msghdr and one control buffer that are used again for every message.
 *
 * usage: floor recvmsg|recvmmsg [threads]     (the socket is descriptor 3)
 *        floor cat                            (likewise)
 *        floor grow [threads]                 what a larger descriptor table costs
 *
 * The first reads orders from its standard input and answers each with one line; see
 * child.go, whose protocol this is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SOCK = 3, MAX_FDS = 253, BATCH = 64, MAX_KEPT = 1 << 16 };

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int) * MAX_FDS)];
};

static int kept[MAX_KEPT]; /* what was received and is not closed yet */
static int nkept;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* take looks at what came and notes the descriptors. */
static void take(struct msghdr *msg, int nfds)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (msg->msg_flags & MSG_CTRUNC || !c || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(nfds * sizeof(int))) {
		fprintf(stderr, "not the message that was sent\n");
		exit(1);
	}
	memcpy(kept + nkept, CMSG_DATA(c), nfds * sizeof(int));
	nkept += nfds;
}

static void close_kept(void)
{
	while (nkept > 0)
		close(kept[--nkept]);
}

static void recv_single(int nfds, int messages, int and_close)
{
	static union control control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };

	while (messages-- > 0) {
		ssize_t n;
		msg.msg_controllen = CMSG_LEN(nfds * sizeof(int));
		do
			n = recvmsg(SOCK, &msg, MSG_CMSG_CLOEXEC);
		while (n < 0 && errno == EINTR);
		if (n != 1)
			fail("recvmsg");
		take(&msg, nfds);
		if (and_close)
			close_kept();
	}
}

static void recv_batch(int nfds, int messages, int and_close)
{
	static union control control[BATCH];
	static char bytes[BATCH];
	static struct iovec iov[BATCH];
	static struct mmsghdr msgs[BATCH];

	while (messages > 0) {
		int want = messages < BATCH ? messages : BATCH, n;
		for (int i = 0; i < want; i++) {
			iov[i] = (struct iovec){ &bytes[i], 1 };
			msgs[i].msg_hdr = (struct msghdr){
				.msg_iov = &iov[i], .msg_iovlen = 1,
				.msg_control = &control[i], .msg_controllen = CMSG_LEN(nfds * sizeof(int)),
			};
		}
		do
			n = recvmmsg(SOCK, msgs, want, MSG_CMSG_CLOEXEC | MSG_WAITFORONE, NULL);
		while (n < 0 && errno == EINTR);
		if (n < 1)
			fail("recvmmsg");
		for (int i = 0; i < n; i++)
			take(&msgs[i].msg_hdr, nfds);
		if (and_close)
			close_kept();
		messages -= n;
	}
}

static void fill(union control *control, const int *fds, int nfds)
{
	struct msghdr msg = { .msg_control = control, .msg_controllen = CMSG_SPACE(nfds * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
}

static void send_single(const int *fds, int nfds, int messages)
{
	static union control control;
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(nfds * sizeof(int)) };

	while (messages-- > 0) {
		ssize_t n;
		fill(&control, fds, nfds);
		do
			n = sendmsg(SOCK, &msg, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n != 1)
			fail("sendmsg");
	}
}

static void send_batch(const int *fds, int nfds, int messages)
{
	static union control control[BATCH];
	static char byte;
	static struct iovec iov = { &byte, 1 };
	static struct mmsghdr msgs[BATCH];

	while (messages > 0) {
		int want = messages < BATCH ? messages : BATCH, n;
		for (int i = 0; i < want; i++) {
			fill(&control[i], fds, nfds);
			msgs[i].msg_hdr = (struct msghdr){
				.msg_iov = &iov, .msg_iovlen = 1,
				.msg_control = &control[i], .msg_controllen = CMSG_SPACE(nfds * sizeof(int)),
			};
		}
		do
			n = sendmmsg(SOCK, msgs, want, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 1)
			fail("sendmmsg");
		messages -= n;
	}
}

/* cat receives one descriptor and copies one byte from it to standard output. */
static int cat(void)
{
	char byte;

	recv_single(1, 1, 0);
	return read(kept[0], &byte, 1) == 1 && write(1, &byte, 1) == 1 ? 0 : 1;
}

/* grow duplicates a descriptor 4000 times and tells which calls took long. */
static int grow(void)
{
	for (int i = 0; i < 4000; i++) {
		long long start = now();
		int fd = dup(0);
		long long took = now() - start;
		if (fd < 0)
			fail("dup");
		if (took > 1000000)
			printf("descriptor %d took %.1f ms\n", fd, took / 1e6);
	}
	return 0;
}

/* A process with a second thread pays for atomic counts on its descriptor table. */
static void *sleeper(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	int batch = argc > 1 && strcmp(argv[1], "recvmmsg") == 0;
	int fds[MAX_FDS], nfds, messages;
	char order[16];

	if (argc > 1 && strcmp(argv[1], "cat") == 0)
		return cat();
	if (argc > 2 && strcmp(argv[2], "threads") == 0) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, sleeper, NULL) != 0)
			fail("pthread_create");
	}
	if (argc > 1 && strcmp(argv[1], "grow") == 0)
		return grow();
	for (int i = 0; i < MAX_FDS; i++)
		if ((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
			fail("open");
	while (scanf("%15s %d %d", order, &nfds, &messages) == 3) {
		int and_close = strcmp(order, "both") == 0;
		long long start = now(), end, closed;
		if (strcmp(order, "send") == 0)
			(batch ? send_batch : send_single)(fds, nfds, messages);
		else
			(batch ? recv_batch : recv_single)(nfds, messages, and_close);
		end = now();
		close_kept();
		closed = now();
		printf("%lld %lld 0 0\n", end - start, closed - end);
		fflush(stdout);
	}
	return 0;
}
