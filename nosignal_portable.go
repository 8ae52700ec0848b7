//go:build dragonfly || freebsd || netbsd || openbsd || (linux && fdpass_portable)

package fdpass

import "syscall"

// noSignal makes a broken pipe an error without SIGPIPE.
const noSignal = syscall.MSG_NOSIGNAL
