package decode

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/fdpass/internal/abi"
)

// summary says what the first n elements in data are.
func (r *Report) summary(known abi.Message, data []byte, n int) string {
	if known.Type == abi.SCM_RIGHTS {
		return count(n, "descriptor")
	}
	if n == 0 {
		return "cut short"
	}
	at := func(i int) int64 {
		f := known.Payload.Fields[i]
		return r.int(data[f.Offset:][:f.Size])
	}
	switch known.Type {
	case abi.SCM_CREDENTIALS:
		return fmt.Sprintf("process %d, user %d, group %d", uint32(at(0)), uint32(at(1)), uint32(at(2)))
	case abi.SCM_PIDFD:
		if fd := at(0); fd < 0 {
			return "no pidfd"
		}
		return "descriptor of the sending process"
	case abi.SCM_INQ:
		return fmt.Sprintf("%s left to read", count(int(at(0)), "byte"))
	case abi.SCM_TIMESTAMP, abi.SO_TIMESTAMP_NEW:
		return moment(at(0), at(1), time.Microsecond)
	case abi.SCM_TIMESTAMPING, abi.SO_TIMESTAMPING_NEW:
		if at(4) != 0 || at(5) != 0 {
			return moment(at(4), at(5), time.Nanosecond) + ", by the hardware"
		}
	}
	return moment(at(0), at(1), time.Nanosecond)
}

// moment returns a time of the real-time clock, or what is wrong with it.
func moment(sec, frac int64, unit time.Duration) string {
	const year10000 = 253402300800
	if sec < 0 || sec >= year10000 || frac < 0 || frac >= int64(time.Second/unit) {
		return "not a time from 1970 to 9999"
	}
	return time.Unix(sec, frac*int64(unit)).UTC().Format("2006-01-02 15:04:05.999999999 UTC")
}

// levels are cmsg_levels that do not come from a Unix socket:
// include/linux/socket.h.
var levels = map[int]string{0: "SOL_IP", 6: "SOL_TCP", 17: "SOL_UDP", 41: "SOL_IPV6", 132: "SOL_SCTP",
	263: "SOL_PACKET", 270: "SOL_NETLINK", 279: "SOL_ALG", 282: "SOL_TLS"}

func levelName(a abi.Arch, level int) string {
	if level == a.SOLSocket {
		return "SOL_SOCKET"
	}
	return levels[level]
}

// levelNote says where a level that means nothing here would be SOL_SOCKET.
func (m *Message) levelNote(a abi.Arch, level int) {
	switch {
	case level == a.SOLSocket:
	case level == 1:
		m.Notes = append(m.Notes, fmt.Sprintf("level 1 is SOL_SOCKET elsewhere; on MIPS it is %d",
			a.SOLSocket))
	case level == 0xffff:
		m.Notes = append(m.Notes, fmt.Sprintf("level 65535 is SOL_SOCKET on MIPS; here it is %d",
			a.SOLSocket))
	}
}

// errnos are the error numbers from 1 on, which are the same on every architecture:
// include/uapi/asm-generic/errno-base.h.
var errnos = strings.Fields(`EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM
	EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY
	EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE`)

// noDescriptor returns what the number -errno means where a descriptor should be.
func noDescriptor(errno int64) string {
	if errno <= int64(len(errnos)) {
		return errnos[errno-1] + ", no descriptor"
	}
	return "no descriptor"
}

// missingNUL is what C and gdb do to a buffer that is shown as a string.
const missingNUL = "C and gdb do not show a string's last NUL"

// WithNUL returns the architectures that buf makes sense for with one zero byte more,
// if it makes none as it is: see Guess.
func WithNUL(buf []byte) [][]abi.Arch {
	if len(Guess(buf)) > 0 {
		return nil
	}
	longer := append(slices.Clone(buf), 0)
	groups := Guess(longer)
	if len(groups) == 0 || fits(Explain(groups[0][0], longer)).whole == 0 {
		return nil
	}
	return groups
}

// spaceNote points out a cmsg_len that is CMSG_SPACE of one descriptor less: the
// padding counts as a descriptor then, and is 0.
func (r *Report) spaceNote(m *Message, data []byte) {
	n := len(data) / 4
	if n < 2 || len(data)%4 != 0 || r.int(data[4*n-4:]) != 0 || r.arch.Len(len(data)) != r.arch.Space(4*n-4) {
		return
	}
	m.Notes = append(m.Notes,
		fmt.Sprintf("is cmsg_len CMSG_SPACE(%d), not CMSG_LEN, by mistake? It sends descriptor 0", 4*n-4))
}
