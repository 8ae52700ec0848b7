/*
 * CMSG_NXTHDR in a buffer that is being filled. It computes the next header's
 * place from the length in this one. A length that is not there yet is whatever
 * was in the memory: too short, or beyond the end. Then there is no next header,
 * and who writes to it writes to NULL. And musl does not find a header at the very
 * end of the buffer that has no data.
 *
 * Prints with glibc:
 * length filled in, room for another: found
 * length not filled in, zeros: NULL
 * length not filled in, garbage: NULL
 * length filled in, room for a bare header: found
 *
 * Prints with musl:
 * length filled in, room for another: found
 * length not filled in, zeros: NULL
 * length not filled in, garbage: NULL
 * length filled in, room for a bare header: NULL
 */
#include "common.h"

static const char *next(size_t length, size_t second)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4) + 64] = {0};
	struct msghdr msg = {.msg_control = control, .msg_controllen = CMSG_SPACE(4) + second};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_len = length;
	return CMSG_NXTHDR(&msg, c) == NULL ? "NULL" : "found";
}

int main(void)
{
	printf("length filled in, room for another: %s\n", next(CMSG_LEN(4), CMSG_SPACE(4)));
	printf("length not filled in, zeros: %s\n", next(0, CMSG_SPACE(4)));
	printf("length not filled in, garbage: %s\n", next(0x7f7f7f7f, CMSG_SPACE(4)));
	printf("length filled in, room for a bare header: %s\n", next(CMSG_LEN(4), CMSG_SPACE(0)));
	return 0;
}
