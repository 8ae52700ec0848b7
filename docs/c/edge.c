/*
 * With edge-triggered epoll, "fewer bytes than I asked for" does not mean that
 * the socket is empty. A read ends at a message with descriptors, and no second
 * event comes for what is left.
 *
 * Prints:
 * event: yes
 * read 1 of 100, descriptors: 1
 * event: no
 * read 5 of 100, descriptors: 0
 */
#include "common.h"
#include <sys/epoll.h>

int main(void)
{
	int sockets[2], fds[253];
	pair(sockets, SOCK_STREAM);
	int epoll = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[1], &event), "epoll_ctl");
	check(send_fds(sockets[0], STDIN_FILENO, 1), "sendmsg");
	check(send(sockets[0], "after", 5, 0), "send");

	for (int i = 0; i < 2; i++) {
		printf("event: %s\n", check(epoll_wait(epoll, &event, 1, 0), "epoll_wait") == 1 ? "yes" : "no");
		char payload[100];
		ssize_t bytes;
		int n = receive_fds(sockets[1], payload, sizeof payload, fds, &bytes);
		printf("read %zd of 100, descriptors: %d\n", bytes, n);
		while (n > 0)
			close(fds[--n]);
	}
	return 0;
}
