package fdpass

// noSignal is 0, since this system has no MSG_NOSIGNAL. Go ignores SIGPIPE unless
// the program asks for it by os/signal.
const noSignal = 0
