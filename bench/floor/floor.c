//go:build ignore

/*
 * The floor: recvmsg(2), recvmmsg(2) and sendmsg(2) as C calls them, with one
 * msghdr and one control buffer that are used again for every message.
 *
 * usage: floor recvmsg|recvmmsg [threads]     (the socket is descriptor 3)
 *        floor cat                            (the same)
 *        floor grow [threads]                 what a larger descriptor table costs
 *
 * The first reads orders from its standard input and answers each with one line; see
 * child.go, whose protocol this is.
 */
#include "calls.h"
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

enum { SOCK = 3 };

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* cat receives one descriptor and copies one byte from it to standard output. */
static int cat(void)
{
	char byte;

	recv_single(SOCK, 1, 1, 0);
	return read(kept[0], &byte, 1) == 1 && write(1, &byte, 1) == 1 ? 0 : 1;
}

/* grow duplicates a descriptor 4000 times and prints which calls took long. */
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
			(batch ? send_batch : send_single)(SOCK, fds, nfds, messages);
		else
			(batch ? recv_batch : recv_single)(SOCK, nfds, messages, and_close);
		end = now();
		close_kept();
		closed = now();
		printf("%lld %lld 0 0\n", end - start, closed - end);
		fflush(stdout);
	}
	return 0;
}
