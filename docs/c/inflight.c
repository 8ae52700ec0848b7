/*
 * Where ETOOMANYREFS begins. The kernel counts the descriptors that each user has
 * in messages which nobody has received. It compares the count with RLIMIT_NOFILE
 * before it adds a message, not after. So the last message that is let through
 * may take the count past the limit. Root is not held to it.
 * The user whom the program becomes has nothing else under way.
 *
 * Prints:
 * limit 30, 1 in each message: 31 are under way, then ETOOMANYREFS
 * limit 30, 7 in each message: 35 are under way, then ETOOMANYREFS
 * limit 30, 200 in each message: 200 are under way, then ETOOMANYREFS
 */
#include "common.h"

int main(void)
{
	if (geteuid() == 0)
		check(setuid(64322), "setuid");
	struct rlimit limit = {30, 30};
	check(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	int sizes[] = {1, 7, 200};
	for (int i = 0; i < 3; i++) {
		int sockets[2], sent = 0;
		pair(sockets, SOCK_STREAM);
		while (send_fds(sockets[0], STDIN_FILENO, sizes[i]) == 1)
			sent += sizes[i];
		printf("limit 30, %d in each message: %d are under way, then %s\n", sizes[i], sent,
		       errno == ETOOMANYREFS ? "ETOOMANYREFS" : strerror(errno));
		close(sockets[0]);
		close(sockets[1]); /* which drops the messages */
	}
	return 0;
}
