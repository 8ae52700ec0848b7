// Package floor makes the C floor's calls in this process: the same loops of C as in
// the program floor.c, on the same descriptor table, with one call of C for many
// messages.
package floor

/*
#cgo CFLAGS: -O2 -Wall -Wextra -Wno-unused-function -Wno-unused-parameter
#include "calls.h"
*/
import "C"

// Recv receives messages of nfds descriptors each with recvmsg(2), or with
// recvmmsg(2) in batches. It closes the descriptors or keeps them for CloseKept.
func Recv(sock, nfds, messages int, batch, closing bool) {
	c := C.int(0)
	if closing {
		c = 1
	}
	if batch {
		C.recv_batch(C.int(sock), C.int(nfds), C.int(messages), c)
	} else {
		C.recv_single(C.int(sock), C.int(nfds), C.int(messages), c)
	}
}

// CloseKept closes what Recv has kept, with close(2).
func CloseKept() { C.close_kept() }

// Send sends messages of fds each with sendmsg(2), or with sendmmsg(2) in batches.
func Send(sock int, fds []int, messages int, batch bool) {
	own := make([]C.int, len(fds))
	for i, fd := range fds {
		own[i] = C.int(fd)
	}
	if batch {
		C.send_batch(C.int(sock), &own[0], C.int(len(fds)), C.int(messages))
	} else {
		C.send_single(C.int(sock), &own[0], C.int(len(fds)), C.int(messages))
	}
}
