package rawmsg

import (
	"runtime"
	"syscall"
	"testing"

	"example.com/fdpass/internal/abi"
)

// internal/abi has the table of all architectures, which the command uses for
// programs of any of them.
func TestAreTheSystemCallNumbersTheKernels(t *testing.T) {
	want, ok := abi.Syscalls[runtime.GOARCH]
	if !ok {
		t.Fatalf("no system call numbers are known for %s", runtime.GOARCH)
	}
	got := abi.Numbers{
		Recvmsg: sysRecvmsg, Sendmsg: sysSendmsg, Recvmmsg: sysRecvmmsg, Sendmmsg: sysSendmmsg,
	}
	want.Socketcall = 0 // no longer used here
	if got != want {
		t.Errorf("the numbers are %+v, want %+v", got, want)
	}
}

// A wrong number of one of the others is another system call, or none.
func TestAreTheOtherSystemCallsWhatTheirNamesSay(t *testing.T) {
	if runtime.GOARCH != "386" && sysPpoll != syscall.SYS_PPOLL {
		t.Errorf("ppoll is %d, and in package syscall %d", sysPpoll, syscall.SYS_PPOLL)
	}
	fd, err := MemfdCreate("number", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		t.Errorf("memfd_create made a file of mode %o: %v", st.Mode, err)
	}
	var domain [4]byte
	if n, err := Getsockopt(fd, SOL_SOCKET, SO_DOMAIN, domain[:]); err != syscall.ENOTSOCK {
		t.Errorf("getsockopt on a file: %d, %v", n, err)
	}
	if family, err := SocketFamily(fd); err != syscall.ENOTSOCK {
		t.Errorf("getsockname on a file: %d, %v", family, err)
	}
	for _, want := range []int{syscall.AF_UNIX, syscall.AF_INET, syscall.AF_NETLINK} {
		sock, err := syscall.Socket(want, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if family, err := SocketFamily(sock); family != want || err != nil {
			t.Errorf("a socket of family %d: %d, %v", want, family, err)
		}
		syscall.Close(sock)
	}
}
