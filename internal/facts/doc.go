// Package facts has no code but tests and a list of [Options]. Each test asks the
// kernel a question about control messages, with bare system calls, and holds what
// it answers. They are what docs/cmsg.md states and what the library is built on.
//
// Where the question is what went wrong in another program, the test shows that
// as well and that the library does not do it (elsewhere_test.go, go_test.go).
package facts
