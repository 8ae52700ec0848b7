package facts

// Option is something that the library or the command asks of the kernel, and that
// came with a version of Linux.
type Option struct {
	Name  string // of the option or the system call
	For   string // what asks for it
	Linux string // the first version that has it
	Page  string // the manual page that says so, or nothing where none does
}

// Options are in the order of the versions. The dead are processes that have ended
// and been waited for. TestWhichOptionsDoesThisKernelHave asks a kernel for them.
var Options = []Option{
	{"SO_PASSCRED", "Options.Credentials", "2.2", "socket(7)"},
	{"SO_PEERSEC", "PeerSecurityLabel", "2.6.2", "socket(7)"},
	{"SO_PASSSEC", "Options.SecurityLabel", "2.6.18", "unix(7)"},
	{"MSG_CMSG_CLOEXEC", "every receive", "2.6.23", "recvmsg(2)"},
	{"recvmmsg(2)", "BatchReceiver", "2.6.33", "recvmmsg(2)"},
	{"sendmmsg(2)", "BatchSender", "3.0", "sendmmsg(2)"},
	{"SO_PEERGROUPS", "PeerGroups", "4.13", ""},
	{"SO_TIMESTAMPNS_NEW", "Options.Timestamp", "5.1", ""},
	{"pidfd_open(2)", "fdpass trace", "5.3", "pidfd_open(2)"},
	{"pidfd_getfd(2)", "fdpass trace", "5.6", "pidfd_getfd(2)"},
	{"close_range(2)", "closing three or more", "5.9", "close_range(2)"},
	{"SO_PASSPIDFD", "Options.PIDFD", "6.5", ""},
	{"SO_PEERPIDFD", "PeerPIDFD", "6.5", ""},
	{"SO_PASSRIGHTS", "Options.RefuseFDs", "6.16", ""},
	{"SO_PEERPIDFD of the dead", "PeerPIDFD", "6.16", ""},
	{"SCM_PIDFD of the dead", "Message.PIDFD", "6.17", ""},
	{"SO_INQ", "Options.QueuedBytes", "6.17", ""},
}
