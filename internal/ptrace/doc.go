// Package ptrace follows the threads of programs with ptrace(2) and stops them
// at the system calls that move messages, of whatever architecture the program
// is. What a message holds is not its business.
//
// It works on Linux 5.3 and later; elsewhere it is empty.
package ptrace
