// Package faults has only tests. With strace(1) they watch the system calls that
// package fdpass makes: how many there are in each operation, and what happens if one
// of them fails.
package faults
