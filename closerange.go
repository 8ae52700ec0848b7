package fdpass

import "math"

// closeFDs closes descriptors and returns the first error of close(2). It closes
// all of them, whatever the error is.
//
// The descriptors of a message usually have consecutive numbers. Such a run is
// closed with one close_range(2), which reports no errors. It takes 0.6 of the time
// for 3 descriptors and 0.24 of it for 253 (BenchmarkCloseFDs).
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

// minRun is the length of the shortest run that is closed faster by close_range(2).
const minRun = 3

// runLen returns how many numbers at the beginning of fds are consecutive. A run
// has no gaps: a number that is not in fds may be somebody else's descriptor.
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
