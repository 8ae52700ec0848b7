/*
 * Passes descriptor 0 by the other ways into the kernel that an amd64 machine has,
 * without a C library, which it may not have for them. With -m32 it sends with
 * socketcall and receives with recvmmsg_time64. With -m64 it sends with the sendmsg
 * of x32, whose structs are those of 32-bit programs; most kernels have no x32 and
 * answer with ENOSYS, which is well here.
 */
typedef unsigned int u32;

#ifdef __i386__
static long call(long nr, long a, long b, long c, long d, long e)
{
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
	return r;
}
#else
static long call(long nr, long a, long b, long c, long d, long e)
{
	long r;
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
	__asm__ volatile("syscall" : "=a"(r) : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
}
#endif

#define AT(p) ((u32)(unsigned long)(p)) /* statically linked, all is below 4 GiB */

static u32 control[4] = { 16, 1, 1, 0 }; /* cmsg_len, SOL_SOCKET, SCM_RIGHTS, descriptor 0 */
static u32 iov[2], msg[8];		 /* a struct msghdr, and msg_len as in a struct mmsghdr */
static int pair[2];
static char payload = 'x';

void _start(void)
{
	long n;

	iov[0] = AT(&payload);
	iov[1] = 1;
	msg[2] = AT(iov);
	msg[3] = 1;
	msg[4] = AT(control);
	msg[5] = sizeof control;
#ifdef __i386__
	u32 args[3];
	call(360, 1, 1, 0, (long)pair, 0); /* socketpair */
	args[0] = pair[0];
	args[1] = AT(msg);
	args[2] = 0;
	n = call(102, 16, (long)args, 0, 0, 0); /* socketcall, SYS_SENDMSG */
	if (n == 1)
		n = call(417, pair[1], (long)msg, 1, 0x40000000, 0); /* recvmmsg_time64, MSG_CMSG_CLOEXEC */
	call(1, n == 1 ? 0 : 1, 0, 0, 0, 0); /* exit */
#else
	call(53, 1, 1, 0, (long)pair, 0);
	n = call(0x40000000 + 518, pair[0], (long)msg, 0, 0, 0); /* sendmsg of x32 */
	call(60, n == 1 || n == -38 ? 0 : 1, 0, 0, 0, 0);
#endif
}
