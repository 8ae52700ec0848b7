package fdpass

import "math"

// closeFDs closes descriptors and returns the first error of close(2). Their
// numbers are free whatever that is.
//
// What a message brings mostly has numbers in a row, and a run of them is closed
// with one close_range(2), which reports no error of any of them. That takes 0.6 of
// the time for 3 descriptors and 0.24 for 253 (BenchmarkCloseFDs).
func closeFDs(fds []int) (err error) {
	for len(fds) > 0 {
		n := runLen(fds)
		if n < minRun || !closeRun(fds[0], fds[n-1]) {
			cerr := closeEach(fds[:n])
			if err == nil {
				err = cerr
			}
		}
		fds = fds[n:]
	}
	return err
}

// minRun is the length from which on close_range(2) is faster.
const minRun = 3

// runLen is how many of the numbers at the beginning of fds follow each other.
// Every number of a run is in fds itself: a gap may be somebody else's descriptor.
func runLen(fds []int) int {
	n := 1
	for n < len(fds) && fds[n] == fds[n-1]+1 && fds[n-1] >= 0 && fds[n] <= math.MaxInt32 {
		n++
	}
	return n
}

// closeEach closes descriptors one by one.
func closeEach(fds []int) (err error) {
	for _, fd := range fds {
		if cerr := closeFD(fd); err == nil {
			err = cerr
		}
	}
	return err
}
