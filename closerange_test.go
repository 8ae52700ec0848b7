//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// inARow duplicates a file to n consecutive numbers.
func inARow(t testing.TB, n int) (first int) {
	t.Helper()
	var fd int
	for first = 300; first < 900; first += n {
		for i := range n {
			r, _, errno := syscall.Syscall(syscall.SYS_FCNTL, 0, syscall.F_DUPFD_CLOEXEC, uintptr(first+i))
			if errno != 0 {
				t.Fatal(errno)
			}
			if fd = int(r); fd != first+i {
				fdtest.Close(t, fd)
				for ; i > 0; i-- {
					fdtest.Close(t, first+i-1)
				}
				break
			}
		}
		if fd == first+n-1 {
			return first
		}
	}
	t.Fatal("no numbers in a row are free")
	return 0
}

func isOpen(fd int) bool {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	return errno == 0
}

// A run of consecutive numbers is closed with one system call. No number that is not
// in the list may be in the run.
func TestDoesCloseFDsCloseOnlyWhatIsInTheList(t *testing.T) {
	for _, list := range [][]int{
		{}, {0}, {0, 1}, {0, 1, 2}, {0, 1, 2, 3, 4, 5, 6, 7},
		{0, 1, 2, 4, 5, 6},    // a gap
		{1, 2, 3, 5, 7, 8, 9}, // two
		{0, 2, 4, 6}, {6, 4, 2, 0}, {7, 6, 5, 4, 3}, {2, 3, 4, 0, 1},
		{0, 1, 3}, {5, 0, 1, 2, 9},
	} {
		t.Run(fmt.Sprint(list), func(t *testing.T) {
			fdtest.NoLeak(t)
			first := inARow(t, 10)
			var fds []int
			for _, i := range list {
				fds = append(fds, first+i)
			}
			if err := fdpass.CloseFDs(fds); err != nil {
				t.Error(err)
			}
			for i := range 10 {
				if is, want := isOpen(first+i), !slices.Contains(list, i); is != want {
					t.Errorf("number %d of the row is open: %v, want %v", i, is, want)
				} else if is {
					fdtest.Close(t, first+i)
				}
			}
		})
	}
}

func TestWhichErrorsOfCloseAreReported(t *testing.T) {
	fdtest.NoLeak(t)
	first := inARow(t, 6)
	fdtest.Close(t, first+1, first+4)
	if err := fdpass.CloseFDs([]int{first, first + 1}); !errors.Is(err, syscall.EBADF) {
		t.Errorf("two of which one is closed: %v", err)
	}
	err := fdpass.CloseFDs([]int{first + 3, first + 4, first + 5})
	runs := !fdtest.Portable && os.Getenv(noCloseRangeVariable) == "" &&
		rawmsg.CloseRange(1<<20, 1<<20, 0) == nil
	if runs && err != nil {
		t.Errorf("three in a row of which one is closed: %v", err)
	} else if !runs && !errors.Is(err, syscall.EBADF) {
		t.Errorf("three in a row of which one is closed, one by one: %v", err)
	}
	fdtest.Close(t, first+2)
	for _, fds := range [][]int{{-3, -2, -1}, {-2, -1}, {1<<31 - 1, -1 << 31}} {
		if err := fdpass.CloseFDs(fds); !errors.Is(err, syscall.EBADF) {
			t.Errorf("%v: %v", fds, err)
		}
	}
}

// noCloseRangeVariable is set in the environment if a filter forbids close_range(2).
const noCloseRangeVariable = "FDPASS_TEST_NO_CLOSE_RANGE"

const errNoFilter = "this kernel has no filters of system calls; it needs CONFIG_SECCOMP_FILTER"

// withoutCloseRange becomes this test binary under a filter of system calls that
// answers close_range(2) with an errno; seccomp(2).
func withoutCloseRange(args []string) error {
	var errno syscall.Errno
	if _, err := fmt.Sscan(args[0], &errno); err != nil {
		return err
	}
	number := map[string]uint32{
		"mips": 4436, "mipsle": 4436, "mips64": 5436, "mips64le": 5436,
	}[runtime.GOARCH]
	if number == 0 {
		number = 436
	}
	filter := []syscall.SockFilter{ // linux/filter.h, linux/seccomp.h
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: 0}, // the number of the system call
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: number, Jf: 1},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0x00050000 | uint32(errno)}, // SECCOMP_RET_ERRNO
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0x7fff0000},                 // SECCOMP_RET_ALLOW
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const setSeccomp, setNoNewPrivs, modeFilter = 22, 38, 2 // PR_… of linux/prctl.h, SECCOMP_MODE_FILTER
	runtime.LockOSThread()
	if _, _, err := syscall.Syscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); err != 0 {
		return err
	}
	// unsafe.Pointer rule 4: converted in the argument list of syscall.Syscall.
	_, _, failed := syscall.Syscall(syscall.SYS_PRCTL,
		setSeccomp, modeFilter, uintptr(unsafe.Pointer(&program)))
	if failed == syscall.EINVAL {
		return errors.New(errNoFilter)
	} else if failed != 0 {
		return failed
	}
	if err := rawmsg.CloseRange(1<<20, 1<<20, 0); err != errno {
		return fmt.Errorf("under the filter, close_range: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "FDPASS_TEST_ROLE=")
	})
	return syscall.Exec(self, append([]string{self}, args[1:]...),
		append(env, noCloseRangeVariable+"="+args[0]))
}

// The tests of this package run again with the errno of an old kernel, and with that
// of a container's filter.
func TestDoTheTestsOfOwnershipPassWithoutCloseRange(t *testing.T) {
	fdtest.SkipUnderGVisor(t, "it is about what a filter of Linux does")
	switch {
	case os.Getenv(noCloseRangeVariable) != "":
		return // this is the second run
	case testing.Short():
		t.Skip("runs many tests a second time; runs without -short")
	}
	fdtest.SkipUnderQemuUser(t, "it has no filters of system calls")
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM} {
		t.Run(errno.Error(), func(t *testing.T) {
			cmd := fdtest.Command(t, "without close_range", fmt.Sprint(int(errno)), "-test.timeout=5m",
				"-test.run=Clos|Leak|Own|Truncat|Batch|Stream|Taken|Peek|Forgotten|Discard|Left",
				"-test.skip=Relay|Frame|Hostile") // which take long where the processor is emulated
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if strings.Contains(stderr.String(), errNoFilter) {
				t.Skip(errNoFilter)
			}
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
