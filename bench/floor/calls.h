/*
 * The calls of the floor, for the program floor.c and for the Go package in this
 * directory, which makes them in its own process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_FDS = 253, BATCH = 64, MAX_KEPT = 1 << 16 };

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

static void recv_single(int sock, int nfds, int messages, int and_close)
{
	static union control control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control };

	while (messages-- > 0) {
		ssize_t n;
		msg.msg_controllen = CMSG_LEN(nfds * sizeof(int));
		do
			n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
		while (n < 0 && errno == EINTR);
		if (n != 1)
			fail("recvmsg");
		take(&msg, nfds);
		if (and_close)
			close_kept();
	}
}

static void recv_batch(int sock, int nfds, int messages, int and_close)
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
			n = recvmmsg(sock, msgs, want, MSG_CMSG_CLOEXEC | MSG_WAITFORONE, NULL);
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

static void send_single(int sock, const int *fds, int nfds, int messages)
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
			n = sendmsg(sock, &msg, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n != 1)
			fail("sendmsg");
	}
}

static void send_batch(int sock, const int *fds, int nfds, int messages)
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
			n = sendmmsg(sock, msgs, want, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 1)
			fail("sendmmsg");
		messages -= n;
	}
}
