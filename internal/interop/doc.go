// Package interop has only tests, which pass descriptors to and from programs of
// other projects. Each test starts the real program, on a socket in a temporary
// directory or a port of the loopback interface, and ends it by its process id.
//
// If a program is not installed, the test is skipped, and says which Debian package
// has it. make interop installs all of them and skips nothing.
package interop
