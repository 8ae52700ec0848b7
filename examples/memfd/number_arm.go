//go:build linux && arm

package main

// arch/arm/tools/syscall.tbl
const sysMemfdCreate = 385
