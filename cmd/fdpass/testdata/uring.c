/*
 * Asks for an io_uring twice, and does nothing with it; with an argument it waits
 * for the end of its input. The status is 1 if there is none.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup (SYS_pidfd_send_signal + 1)
#endif

int main(int argc, char **argv)
{
	long params[32] = { 0 }; /* struct io_uring_params has 120 bytes */

	(void)argv;
	if (syscall(SYS_io_uring_setup, 1, params) < 0 || syscall(SYS_io_uring_setup, 1, params) < 0) {
		perror("io_uring_setup");
		return 1;
	}
	if (argc > 1 && write(1, "r", 1) == 1)
		getchar();
	return 0;
}
