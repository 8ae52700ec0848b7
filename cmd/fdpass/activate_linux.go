package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// firstFD is SD_LISTEN_FDS_START of sd_listen_fds(3).
const firstFD = 3

// self is this program, also when its file has been replaced since.
const self = "/proc/self/exe"

// become replaces this process by cmd, with the files as its descriptors from
// 3 on. It returns only when that fails.
//
// Those numbers are mostly taken: by the files themselves in another order,
// and by descriptors that Go's runtime polls with and would go on using, and
// writing to, between dup3 and exec. So it takes two steps. Here the files get
// numbers above the wanted ones, and each wanted number is occupied by
// something that survives exec. In the next image ([activate]) the runtime
// therefore has nothing there, nor is anything there needed any more.
func (r *receiver) become(b batch) error {
	files := b.files
	names, err := r.prepare(b)
	if err != nil {
		return err
	}
	moved := make([]string, len(files))
	for i, f := range files {
		err := control(f, func(fd int) error {
			n, err := fcntl(fd, syscall.F_DUPFD, firstFD+len(files))
			moved[i] = strconv.Itoa(n)
			return err
		})
		if err != nil {
			return err
		}
	}
	for fd := firstFD; fd < firstFD+len(files); fd++ {
		if err := occupy(fd, number(files[0])); err != nil {
			return err
		}
	}
	args := append([]string{"fdpass", "activate", strings.Join(moved, ","), names, r.path}, r.cmd...)
	return &os.PathError{Op: "exec", Path: self, Err: syscall.Exec(self, args, b.environ())}
}

// occupy makes sure that fd is open after exec, no matter on what. If it is free, it
// becomes a duplicate of some. A connection that has just lost may close it meanwhile.
func occupy(fd, some int) error {
	for {
		n, err := fcntl(some, syscall.F_DUPFD, fd) // the lowest free number from fd on
		if err != nil || n == fd {
			return err
		}
		syscall.Close(n)
		_, err = fcntl(fd, syscall.F_SETFD, 0)
		if !errors.Is(err, syscall.EBADF) {
			return err
		}
	}
}

// start runs cmd with the files as its descriptors from 3 on, and waits for it.
// A status other than 0 is its own business and is printed, not returned.
func (r *receiver) start(b batch) error {
	files := b.files
	names, err := r.prepare(b)
	if err != nil {
		return err
	}
	attr := &syscall.ProcAttr{Env: b.environ(), Files: []uintptr{0, 1, 2}}
	in := make([]string, len(files))
	for i, f := range files {
		attr.Files = append(attr.Files, uintptr(number(f)))
		in[i] = strconv.Itoa(firstFD + i)
	}
	args := append([]string{"fdpass", "activate", strings.Join(in, ","), names, r.path}, r.cmd...)
	pid, err := syscall.ForkExec(self, args, attr)
	if err != nil {
		return &os.PathError{Op: "exec", Path: self, Err: err}
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err == nil && !state.Success() {
		printError(fmt.Errorf("%s: %v", r.cmd[0], state))
	}
	return err
}

// prepare makes LISTEN_FDNAMES, keeps the payload and does what -block asks for.
// Without it O_NONBLOCK stays as the sender has it: the flag is one for all who
// share the open file, and a sender that goes on using it would hang.
func (r *receiver) prepare(b batch) (names string, err error) {
	if names, err = listenNames(r.names, len(b.files)); err != nil {
		return "", err
	}
	if err := r.keep(b); err != nil {
		return "", err
	}
	for _, f := range b.files {
		if !r.block {
			break
		}
		err := control(f, func(fd int) error { return syscall.SetNonblock(fd, false) })
		if err != nil {
			return "", fmt.Errorf("-block: %w", err)
		}
	}
	return names, nil
}

// maxEnviron is how long a payload may be in the environment: the kernel takes
// strings of up to 128 KiB.
const maxEnviron = 64 << 10

// environ is the environment of CMD, apart from what activate adds. A payload with
// a zero byte cannot be in it.
func (b batch) environ() []string {
	env := without(os.Environ(), "FDPASS_PID=", "FDPASS_UID=", "FDPASS_PAYLOAD=")
	if b.peer.known {
		env = append(env, fmt.Sprintf("FDPASS_PID=%d", b.peer.pid), fmt.Sprintf("FDPASS_UID=%d", b.peer.uid))
	}
	if len(b.data) <= maxEnviron && !slices.Contains(b.data, 0) {
		env = append(env, "FDPASS_PAYLOAD="+string(b.data))
	}
	return env
}

// without is an environment without the variables that begin with any of these.
func without(env []string, prefixes ...string) []string {
	return slices.DeleteFunc(env, func(s string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
	})
}

// listenNames is LISTEN_FDNAMES for n descriptors, where one name is given for
// all, or one for each, or none.
func listenNames(names string, n int) (string, error) {
	if names == "" {
		names = "unknown" // as sd_listen_fds_with_names(3) has it
	}
	switch given := strings.Count(names, ":") + 1; given {
	case n:
		return names, nil
	case 1:
		return strings.Join(slices.Repeat([]string{names}, n), ":"), nil
	default:
		return "", fmt.Errorf("%d names for %s", given, plural(n, "descriptor"))
	}
}

// activate is the second step of [receiver.become], and the first thing that
// the child of [receiver.start] does: LISTEN_PID has to be the number of the
// process that CMD is to be. Its arguments are the numbers that the
// descriptors have now, their names, the program's path and its own arguments.
func activate(args []string) error {
	if len(args) < 4 {
		return usagef("activate is what fdpass recv starts by itself")
	}
	now := strings.Split(args[0], ",")
	for i, s := range now {
		fd, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		if fd == firstFD+i {
			continue
		}
		if err := syscall.Dup3(fd, firstFD+i, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
		syscall.CloseOnExec(fd)
	}
	env := without(os.Environ(), "LISTEN_")
	env = append(env,
		fmt.Sprintf("LISTEN_FDS=%d", len(now)),
		fmt.Sprintf("LISTEN_PID=%d", os.Getpid()),
		"LISTEN_FDNAMES="+args[1])
	return cannotRun(&os.PathError{Op: "exec", Path: args[2], Err: syscall.Exec(args[2], args[3:], env)})
}
