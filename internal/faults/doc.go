// Package faults has no code but tests, which watch the system calls that package
// fdpass makes, by means of strace(1): how many each operation makes, and what
// comes of each one if it fails.
package faults
