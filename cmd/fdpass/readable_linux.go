package main

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// readable waits until f has something to read, or the time of -timeout is over,
// or the session has lost its place. Reading then blocks only if somebody else has
// been faster.
func (s *session) readable(f *os.File) error {
	s.idle(true)
	defer s.idle(false)
	const tick = 100 * time.Millisecond
	for end := deadline(s.timeout); ; {
		ready, err := poll(f, tick)
		switch {
		case err != nil || ready:
			return err
		case s.lost():
			return errors.New("it brings nothing, and the place was needed for another connection")
		case !end.IsZero() && time.Now().After(end):
			return os.ErrDeadlineExceeded
		}
	}
}

// poll waits for a time until a file can be read, has ended or has failed. It is
// poll(2) by way of epoll(7). What epoll does not take is always ready: a regular
// file is, and read(2) fails at once on others.
func poll(f *os.File, patience time.Duration) (ready bool, err error) {
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false, os.NewSyscallError("epoll_create1", err)
	}
	defer syscall.Close(ep)
	err = control(f, func(fd int) error {
		return syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN})
	})
	if err != nil {
		return true, nil // read(2) says what it is
	}
	n, err := syscall.EpollWait(ep, make([]syscall.EpollEvent, 1), int(patience/time.Millisecond))
	if err == syscall.EINTR {
		return false, nil
	}
	return n > 0, os.NewSyscallError("epoll_wait", err)
}
