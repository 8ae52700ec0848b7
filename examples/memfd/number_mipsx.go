//go:build linux && (mips || mipsle)

package main

// arch/mips/kernel/syscalls/syscall_o32.tbl, counted from 4000
const sysMemfdCreate = 4354
