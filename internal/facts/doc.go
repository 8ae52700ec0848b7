// Package facts has only tests and a list of [Options]. Each test asks the kernel a
// question about control messages, with bare system calls, and checks the answer.
// docs/cmsg.md states these facts, and the library is built on them.
//
// If the question is what went wrong in another program, the test also shows that
// the library does not do it (elsewhere_test.go, go_test.go).
package facts
