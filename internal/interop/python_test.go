//go:build linux

package interop

import "testing"

const pythonReport = `
with os.fdopen(fds.pop(), "w") as out:
    for fd in fds:
        out.write("%d %s" % (os.fstat(fd).st_ino, os.read(fd, 100).decode()))
`

func TestDoesPythonPassDescriptors(t *testing.T) {
	l := language{
		interpreter: []string{"python3", "-c"},
		pkg:         "python3",
		counts:      []int{1, 3, 253},
		send: `
import os, socket, sys
fds = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]] + [1]
socket.send_fds(socket.socket(fileno=3), [b"hello"], fds)
`,
		recv: `
import os, socket, sys
payload, fds, flags, _ = socket.recv_fds(socket.socket(fileno=3), 100, int(sys.argv[1]))
assert payload == b"hello" and not flags & socket.MSG_CTRUNC
` + pythonReport,
		payload: func(int) string { return "hello" },
	}
	l.test(t)
}

// The standard library's own use of descriptors, in multiprocessing, sends
// their number with them, in one byte.
func TestDoesPythonsMultiprocessingPassDescriptors(t *testing.T) {
	l := language{
		interpreter: []string{"python3", "-c"},
		pkg:         "python3",
		counts:      []int{1, 3, 253},
		send: `
import os, socket, sys
from multiprocessing import reduction
fds = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]] + [1]
reduction.sendfds(socket.socket(fileno=3), fds)
`,
		recv: `
import os, socket, sys
from multiprocessing import reduction
fds = reduction.recvfds(socket.socket(fileno=3), int(sys.argv[1]))
` + pythonReport,
		payload: func(n int) string { return string([]byte{byte(n)}) },
	}
	l.test(t)
}
