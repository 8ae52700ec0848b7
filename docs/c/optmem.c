/*
 * How long may a control buffer be that is sent? The kernel copies it into
 * memory that it counts for the socket, up to net.core.optmem_max. From there
 * on, sendmsg is ENOBUFS.
 *
 * Prints with glibc:
 * optmem_max - 1 bytes: sent
 * optmem_max bytes: No buffer space available
 */
#include "common.h"

int main(void)
{
	long max;
	FILE *f = fopen("/proc/sys/net/core/optmem_max", "r");
	if (f == NULL || fscanf(f, "%ld", &max) != 1) {
		perror("optmem_max");
		return 77; /* a network namespace of an older kernel */
	}
	fclose(f);
	int sockets[2];
	pair(sockets, SOCK_STREAM);
	struct cmsghdr *c = calloc(1, max);
	for (int less = 1; less >= 0; less--) {
		c->cmsg_len = max - less; /* one message of a level that a Unix socket skips */
		int result = send_bytes(sockets[0], c, max - less);
		printf("optmem_max%s bytes: %s\n", less ? " - 1" : "", result == 1 ? "sent" : strerror(errno));
	}
	free(c);
	return 0;
}
