//go:build linux && 386

package main

// arch/x86/entry/syscalls/syscall_32.tbl
const sysMemfdCreate = 356
