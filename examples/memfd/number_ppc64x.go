//go:build linux && (ppc64 || ppc64le)

package main

// arch/powerpc/kernel/syscalls/syscall.tbl
const sysMemfdCreate = 360
