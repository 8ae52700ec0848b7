package abi

// The types of control messages that a Unix socket delivers, all of level
// SOL_SOCKET and of the same number on every architecture:
// include/linux/socket.h, include/uapi/asm-generic/socket.h.
const (
	SCM_RIGHTS          = 1  // descriptors
	SCM_CREDENTIALS     = 2  // struct ucred
	SCM_SECURITY        = 3  // a security label, not terminated
	SCM_PIDFD           = 4  // a pidfd, or a negative errno
	SCM_TIMESTAMP       = 29 // two longs: seconds and microseconds
	SCM_TIMESTAMPNS     = 35 // two longs: seconds and nanoseconds
	SCM_TIMESTAMPING    = 37 // three times seconds and nanoseconds
	SO_TIMESTAMP_NEW    = 63 // like 29, 35 and 37, but 64 bits for each number
	SO_TIMESTAMPNS_NEW  = 64 // on every architecture, so that the time of a
	SO_TIMESTAMPING_NEW = 65 // 32-bit program does not end in the year 2038
	SCM_INQ             = 84 // how many bytes are left to read; the same number as SO_INQ
)

// Message is what a type of control message carries.
type Message struct {
	Type    int    // cmsg_type
	Name    string // "SCM_RIGHTS"
	Payload Struct // one element of the data; its Name is empty for a bare C type. Without fields: text
	Many    bool   // as many elements as there are, not exactly one
}

var (
	ucred = []member{
		{"__u32", "pid", 4, 0},
		{"__u32", "uid", 4, 0},
		{"__u32", "gid", 4, 0},
	}
	timeval = []member{
		{"long", "tv_sec", word, 0},
		{"long", "tv_usec", word, 0},
	}
	timespec = []member{
		{"long", "tv_sec", word, 0},
		{"long", "tv_nsec", word, 0},
	}
	timeval64 = []member{
		{"__s64", "tv_sec", 8, 0},
		{"__s64", "tv_usec", 8, 0},
	}
	timespec64 = []member{
		{"__s64", "tv_sec", 8, 0},
		{"__s64", "tv_nsec", 8, 0},
	}
)

// messages are the payloads by type. The structs have their kernel names
// where those differ from what programs see: include/uapi/linux/time_types.h,
// include/uapi/linux/errqueue.h.
var messages = []struct {
	typ  int
	name string
	tag  string
	body []member
	many bool
}{
	{SCM_RIGHTS, "SCM_RIGHTS", "", []member{{"int", "fd", 4, 0}}, true},
	{SCM_CREDENTIALS, "SCM_CREDENTIALS", "ucred", ucred, false},
	{SCM_SECURITY, "SCM_SECURITY", "", nil, true},
	{SCM_PIDFD, "SCM_PIDFD", "", []member{{"int", "pidfd", 4, 0}}, false},
	{SCM_TIMESTAMP, "SCM_TIMESTAMP", "timeval", timeval, false},
	{SCM_TIMESTAMPNS, "SCM_TIMESTAMPNS", "timespec", timespec, false},
	{SCM_TIMESTAMPING, "SCM_TIMESTAMPING", "scm_timestamping", thrice(timespec), false},
	{SO_TIMESTAMP_NEW, "SO_TIMESTAMP_NEW", "__kernel_sock_timeval", timeval64, false},
	{SO_TIMESTAMPNS_NEW, "SO_TIMESTAMPNS_NEW", "__kernel_timespec", timespec64, false},
	{SO_TIMESTAMPING_NEW, "SO_TIMESTAMPING_NEW", "scm_timestamping64", thrice(timespec64), false},
	{SCM_INQ, "SCM_INQ", "", []member{{"int", "inq", 4, 0}}, false},
}

// thrice is struct scm_timestamping's array: in software, unused, in hardware.
func thrice(ts []member) (all []member) {
	for _, i := range []string{"ts[0].", "ts[1].", "ts[2]."} {
		for _, m := range ts {
			m.name = i + m.name
			all = append(all, m)
		}
	}
	return all
}

// Message returns what a control message of level SOL_SOCKET and type typ carries
// on a.
func (a Arch) Message(typ int) (Message, bool) {
	for _, m := range messages {
		if m.typ == typ {
			return Message{typ, m.name, a.lay(m.tag, m.body), m.many}, true
		}
	}
	return Message{}, false
}
