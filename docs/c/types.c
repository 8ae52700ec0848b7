/*
 * How many bytes the fields of struct msghdr and struct cmsghdr have in this C
 * library, on a 64-bit machine, and how many descriptors it sends. musl 1.2.3 copies
 * the control buffer, to clear the padding of its headers, and takes 1024 bytes.
 *
 * Prints with glibc:
 * msg_namelen 4, msg_iovlen 8, msg_controllen 8, msg_flags 4: struct msghdr 56
 * cmsg_len 8, cmsg_level 4, cmsg_type 4: struct cmsghdr 16
 * 252 descriptors: sent
 * 253 descriptors: sent
 * 254 descriptors: Invalid argument
 *
 * Prints with musl:
 * msg_namelen 4, msg_iovlen 4, msg_controllen 4, msg_flags 4: struct msghdr 56
 * cmsg_len 4, cmsg_level 4, cmsg_type 4: struct cmsghdr 16
 * 252 descriptors: sent
 * 253 descriptors: Out of memory
 * 254 descriptors: Out of memory
 */
#include "common.h"

#define SIZE(type, field) sizeof(((struct type *)0)->field)

int main(void)
{
	printf("msg_namelen %zu, msg_iovlen %zu, msg_controllen %zu, msg_flags %zu: struct msghdr %zu\n",
	       SIZE(msghdr, msg_namelen), SIZE(msghdr, msg_iovlen), SIZE(msghdr, msg_controllen),
	       SIZE(msghdr, msg_flags), sizeof(struct msghdr));
	printf("cmsg_len %zu, cmsg_level %zu, cmsg_type %zu: struct cmsghdr %zu\n", SIZE(cmsghdr, cmsg_len),
	       SIZE(cmsghdr, cmsg_level), SIZE(cmsghdr, cmsg_type), sizeof(struct cmsghdr));
	int sockets[2];
	pair(sockets, SOCK_STREAM);
	for (int n = 252; n <= 254; n++)
		printf("%d descriptors: %s\n", n, send_fds(sockets[0], STDIN_FILENO, n) == 1 ? "sent" : strerror(errno));
	return 0;
}
