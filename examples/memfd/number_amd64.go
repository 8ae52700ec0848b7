//go:build linux && amd64

package main

// arch/x86/entry/syscalls/syscall_64.tbl
const sysMemfdCreate = 319
