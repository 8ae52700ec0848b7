//go:build linux && (arm64 || loong64 || mips64 || mips64le || riscv64 || s390x)

package main

import "syscall"

// Package syscall's lists for the older architectures end before this call; their
// numbers are in the files beside this one, each with the kernel's file that has it.
const sysMemfdCreate = syscall.SYS_MEMFD_CREATE
