package ptrace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"example.com/fdpass/rawmsg"
)

// StartError is why a program could not be started, by exec(2).
type StartError struct {
	Path  string
	Errno syscall.Errno
}

func (e *StartError) Error() string { return e.Path + ": " + e.Errno.Error() }
func (e *StartError) Unwrap() error { return e.Errno }

// Start starts a program and traces it. It does so in two steps, because the
// filter has to be there before the program: this process starts itself as a
// stage that calls Become, with words before the arguments that lead there. They
// talk over a pair of sockets: the stage sends the number of its thread, and gets
// a byte when it is traced; it sends what became of the filter, and an errno and
// a line's end if the program cannot be run. If it can, the socket closes.
func (t *Tracer) Start(words []string, reads bool, path string, args []string) error {
	t.threads, t.processes = map[int]*Thread{}, map[int]*Process{}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	ours := os.NewFile(uintptr(pair[0]), "stage")
	if err := t.seizeStage(ours, pair[1], words, reads, path, args); err != nil {
		ours.Close()
		return err
	}
	t.starting = make(chan started, 1)
	go func() {
		defer ours.Close()
		t.starting <- began(ours, path)
	}()
	return nil
}

// seizeStage starts the stage, attaches to it, and lets it go on.
func (t *Tracer) seizeStage(ours *os.File, socket int, words []string, reads bool, path string, args []string) (err error) {
	t.root, err = startStage(socket, words, reads, path, args)
	if err != nil {
		return err
	}
	tid := make([]byte, 16)
	n, err := ours.Read(tid)
	if err != nil {
		return fmt.Errorf("the program's start: %w", err)
	}
	number, _ := strconv.Atoi(string(tid[:n]))
	if err := t.seize(number, optExitkill); err != nil {
		syscall.Kill(t.root, syscall.SIGKILL)
		syscall.Wait4(t.root, nil, 0, nil)
		return err
	}
	_, err = ours.Write([]byte{'g'})
	return err
}

// startStage starts this program again, with a socket that has the same number
// there. All that it inherits otherwise is what the program is to inherit.
func startStage(socket int, words []string, reads bool, path string, args []string) (pid int, err error) {
	defer syscall.Close(socket)
	files := []uintptr{0, 1, 2}
	for fd := len(files); fd < socket; fd++ {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
		if errno != 0 || flags&syscall.FD_CLOEXEC != 0 {
			files = append(files, ^uintptr(0))
		} else {
			files = append(files, uintptr(fd))
		}
	}
	what := "messages"
	if reads {
		what = "reads"
	}
	argv := append(slices.Clone(words), strconv.Itoa(socket), what, path)
	const exe = "/proc/self/exe"
	pid, err = syscall.ForkExec(exe, append(argv, args...), &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: append(files, uintptr(socket)),
	})
	if err != nil {
		return 0, &os.PathError{Op: "exec", Path: exe, Err: err}
	}
	return pid, nil
}

// started is what became of the stage: whether it has the filter, and why it
// could not run the program.
type started struct {
	filtered bool
	err      error
}

// began reads what the stage says, up to the end of a line or of all, which is
// where the program begins. Meanwhile the stage may stop, as at a signal.
func began(ours *os.File, path string) started {
	said, err := bufio.NewReader(ours).ReadString('\n')
	s := started{filtered: strings.HasPrefix(said, "f")}
	switch {
	case err == nil:
		n, _ := strconv.Atoi(strings.TrimSpace(said[1:]))
		s.err = &StartError{path, syscall.Errno(n)}
	case err != io.EOF:
		s.err = err
	}
	return s
}

// hasStarted waits for what became of the stage, when it has come to its end.
func (t *Tracer) hasStarted() error {
	if t.starting == nil {
		return nil
	}
	s := <-t.starting
	t.starting, t.Filtered = nil, s.filtered
	return s.err
}

// Become turns the stage into the program. It returns only if that fails, after
// it has written to the tracer why.
func Become(args []string) error {
	if len(args) < 4 {
		return errors.New("not meant to be called")
	}
	socket, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	syscall.CloseOnExec(socket)
	runtime.LockOSThread()
	if _, err := syscall.Write(socket, []byte(strconv.Itoa(syscall.Gettid()))); err != nil {
		return err
	}
	if n, err := syscall.Read(socket, make([]byte, 1)); n != 1 {
		return errors.Join(errors.New("the tracer is gone"), err)
	}
	said := "n" // the filter did not work
	if setFilter(Wanted(args[1] == "reads")) == nil {
		said = "f"
	}
	syscall.Write(socket, []byte(said))
	err = syscall.Exec(args[2], args[3:], os.Environ())
	var errno syscall.Errno
	errors.As(err, &errno)
	_, err = syscall.Write(socket, []byte(strconv.Itoa(int(errno))+"\n"))
	return err
}

// Wanted are the kinds of calls to stop at: messages, and with reads plain bytes.
func Wanted(reads bool) func(Kind) bool {
	return func(k Kind) bool { return k != 0 && (k != Read || reads) }
}

// setFilter gives this thread the filter. A process without privilege has to
// promise that it will not get any, which a traced one does not get anyway:
// PR_SET_NO_NEW_PRIVS of include/uapi/linux/prctl.h.
func setFilter(want func(Kind) bool) error {
	const noNewPrivs = 38
	prog := filter(want)
	err := rawmsg.Seccomp(prog)
	if err != syscall.EACCES {
		return err
	}
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return rawmsg.Seccomp(prog)
}
